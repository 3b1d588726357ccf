//! What compiled and what ran the programs: a number without it cannot be compared with another.

use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{Result, files};

/// The tools behind a measurement.
///
/// The first three are whatever is installed on the machine, and follow Debian's updates. The others are chosen in this
/// repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// Debian's compiler, with its commit.
    pub rustc: String,
    /// The LLVM that it emits for.
    pub llvm: String,
    /// sbpf-linker.
    pub linker: String,
    /// The sBPF version of the programs, from the flags in their ELF header.
    pub arch: String,
    /// The version of Mollusk in the lock file.
    pub mollusk: String,
    /// The version of `LiteSVM` in the lock file.
    pub litesvm: String,
}

impl Toolchain {
    /// Reads the installed tools, the lock file and one built program.
    pub fn read(program: &[u8]) -> Result<Self> {
        let output = Command::new(files::root().join("scripts/sbf")).arg("identity").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        let identity = String::from_utf8(output.stdout)?;
        let lock = std::fs::read_to_string(files::root().join("Cargo.lock"))?;
        Ok(Self {
            rustc: word_after(&identity, "rustc ")?,
            llvm: word_after(&identity, "LLVM version: ")?,
            linker: word_after(&identity, "sbpf-linker ")?,
            arch: sbpf_version(program)?,
            mollusk: locked_version(&lock, "mollusk-svm")?,
            litesvm: locked_version(&lock, "litesvm")?,
        })
    }

    /// Whether the numbers come from the same compiler and linker.
    pub fn same_compiler(&self, other: &Self) -> bool {
        (&self.rustc, &self.llvm, &self.linker) == (&other.rustc, &other.llvm, &other.linker)
    }

    /// Name and value of everything, in the order of the table.
    pub fn entries(&self) -> [(&'static str, &str); 6] {
        let [arch, mollusk, litesvm] = self.choices();
        [("rustc", &self.rustc), ("llvm", &self.llvm), ("linker", &self.linker), arch, mollusk, litesvm]
    }

    /// Name and value of what this repository chooses.
    pub fn choices(&self) -> [(&'static str, &str); 3] {
        [("arch", &self.arch), ("mollusk", &self.mollusk), ("litesvm", &self.litesvm)]
    }
}

/// The rest of the first line that begins with `key`, up to the first blank; for the compiler, its commit as well.
fn word_after(text: &str, key: &str) -> Result<String> {
    let rest =
        text.lines().find_map(|line| line.strip_prefix(key)).ok_or_else(|| format!("no line begins with {key:?}"))?;
    let mut words = rest.split_whitespace();
    let version = words.next().unwrap_or_default();
    let commit = words.next().and_then(|word| word.strip_prefix('('));
    Ok(commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})")))
}

/// The version of sBPF is the `e_flags` word of a 64-bit ELF header.
fn sbpf_version(program: &[u8]) -> Result<String> {
    const FLAGS_OFFSET: usize = 48;
    match (program.get(..4), program.get(FLAGS_OFFSET..FLAGS_OFFSET + 4)) {
        (Some(b"\x7fELF"), Some(&[version, 0, 0, 0])) => Ok(format!("v{version}")),
        _ => Err("the program is not an sBPF ELF file".into()),
    }
}

fn locked_version(lock: &str, name: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let lock: Lock = toml::from_str(lock)?;
    let package = lock.package.into_iter().find(|package| package.name == name);
    package.map(|package| package.version).ok_or_else(|| format!("Cargo.lock does not hold {name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_are_read_from_what_they_print() {
        let identity = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\nhost: x\nLLVM version: 22.1.8\nsbpf-linker 0.2.6\nLLVM 22.1.8\n";
        assert_eq!(word_after(identity, "rustc ").unwrap(), "1.96.0 (ac68faa20)");
        assert_eq!(word_after(identity, "LLVM version: ").unwrap(), "22.1.8");
        assert_eq!(word_after(identity, "sbpf-linker ").unwrap(), "0.2.6");
        assert!(word_after(identity, "clang ").is_err());
    }

    #[test]
    fn the_architecture_is_read_from_the_header() {
        let mut program = vec![0; 64];
        program[..4].copy_from_slice(b"\x7fELF");
        program[48] = 3;
        assert_eq!(sbpf_version(&program).unwrap(), "v3");
        assert!(sbpf_version(&program[..51]).is_err());
        program[0] = 0;
        assert!(sbpf_version(&program).is_err());
    }

    #[test]
    fn the_machines_are_read_from_the_lock_file() {
        let lock = "version = 4\n[[package]]\nname = \"litesvm\"\nversion = \"0.16.0\"\n";
        assert_eq!(locked_version(lock, "litesvm").unwrap(), "0.16.0");
        assert!(locked_version(lock, "mollusk-svm").is_err());
    }
}
