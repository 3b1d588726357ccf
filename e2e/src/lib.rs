//! Drives the built `valence` binary as a user does, against a cluster in a process of its own.

pub mod chain;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use solana_keypair::{Keypair, write_keypair_file};
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A cluster, people with lamports, and a folder for the set of programs. Everything ends with it.
pub struct Stage {
    /// Address of the RPC server.
    pub url: String,
    /// Address of its websocket server.
    pub websocket: String,
    /// Folder of everything that the commands write.
    pub folder: PathBuf,
    surfnet: Child,
    people: BTreeMap<String, Keypair>,
}

/// Starts the server and returns its first line. It looks for free ports before it takes them: should another process have
/// been quicker, it ends, and is started again.
fn start(folder: &Path, addresses: &[String]) -> Result<(Child, String)> {
    let log = folder.join("surfnet.log");
    for _ in 0..5 {
        let mut child = Command::new(surfnet())
            .args(addresses)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("{}: run `./justw e2e`", surfnet().display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        if !line.is_empty() {
            return Ok((child, line));
        }
        child.wait()?;
    }
    bail!("the cluster does not start: {}", fs::read_to_string(log)?)
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

static STAGES: AtomicU32 = AtomicU32::new(0);

impl Stage {
    /// Starts a cluster on which the named people have lamports.
    pub fn new(people: &[&str]) -> Result<Self> {
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("valence-e2e-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let people: BTreeMap<_, _> = people.iter().map(|name| ((*name).to_owned(), Keypair::new())).collect();
        for (name, keypair) in &people {
            let path = folder.join(format!("{name}.json"));
            write_keypair_file(keypair, &path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        }
        let addresses: Vec<_> = people.values().map(|keypair| keypair.pubkey().to_string()).collect();
        let (surfnet, line) = start(&folder, &addresses)?;
        let addresses: Value = serde_json::from_str(&line).with_context(|| format!("the cluster said {line:?}"))?;
        let [url, websocket] =
            ["rpc", "ws"].map(|name| addresses[name].as_str().map(str::to_owned).context("no address"));
        Ok(Self { url: url?, websocket: websocket?, folder, surfnet, people })
    }

    /// A person's address.
    pub fn address(&self, name: &str) -> String {
        self.people[name].pubkey().to_string()
    }

    /// A person's keypair file.
    pub fn keypair(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Makes a keypair without lamports.
    pub fn newcomer(&self, name: &str) -> Result<String> {
        let keypair = Keypair::new();
        let path = self.keypair(name);
        write_keypair_file(&keypair, &path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(keypair.pubkey().to_string())
    }

    /// Sends lamports (in SOL) by the Agave CLI.
    pub fn transfer(&self, from: &str, to: &str, sol: &str) -> Result<()> {
        let mut command = Command::new(solana());
        command.env("HOME", &self.folder).args(["--url", &self.url, "--keypair"]).arg(self.keypair(from));
        command.args(["--commitment", "confirmed", "transfer", "--allow-unfunded-recipient", to, sol]);
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Deploys any built program by the Agave CLI and returns its address.
    pub fn deploy_program(&self, by: &str, elf: &Path) -> Result<String> {
        let name = elf.file_stem().and_then(|name| name.to_str()).context("not a program's file")?;
        let address = self.newcomer(name)?;
        let mut command = Command::new(solana());
        command.env("HOME", &self.folder).args(["--url", &self.url, "--commitment", "confirmed", "--keypair"]);
        command.arg(self.keypair(by)).args(["program", "deploy", "--use-rpc", "--program-id"]);
        let output = command.arg(self.keypair(name)).arg(elf).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(address)
    }

    /// Asks the cluster directly, past everything that is under test.
    pub fn rpc(&self, method: &str, parameters: &Value) -> Result<Value> {
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
        let host = host(&self.url)?;
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = &answer[answer.find('{').context("no answer")?..=answer.rfind('}').context("no answer")?];
        let mut answer: Value = serde_json::from_str(body).with_context(|| answer.clone())?;
        ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        Ok(answer["result"].take())
    }

    /// Writes a file into the folder and returns its path.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// The command line of `valence`, by a person.
    pub fn command(&self, url: &str, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(valence());
        command.args(["--url", url, "--keypair"]).arg(self.keypair(name));
        command.arg("--set").arg(self.folder.join("set")).args(arguments);
        // Nothing of the machine's own settings has a part in it.
        command.env("HOME", &self.folder).env_remove("VALENCE_URL").env_remove("VALENCE_SET");
        command.env("VALENCE_SOLANA", solana()).current_dir(root()).stdin(Stdio::null());
        command
    }

    /// Runs `valence` to its end.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Result<Answer> {
        self.at(&self.url, name, arguments)
    }

    /// Runs `valence` against another address.
    pub fn at(&self, url: &str, name: &str, arguments: &[&str]) -> Result<Answer> {
        let output = self.command(url, name, arguments).output().with_context(|| valence().display().to_string())?;
        Ok(Answer {
            status: output.status.code().context("ended by a signal")?,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs `valence --json`, which must succeed, and returns its answer.
    pub fn json(&self, name: &str, arguments: &[&str]) -> Result<Value> {
        let answer = self.run(name, &[&["--json"], arguments].concat())?;
        ensure!(answer.status == 0, "{arguments:?} failed: {}", answer.stderr);
        serde_json::from_str(&answer.stdout).with_context(|| answer.stdout.clone())
    }

    /// Runs `valence`, which must fail with status 1 and one line, and returns the line.
    pub fn refused(&self, name: &str, arguments: &[&str]) -> Result<String> {
        one_line(&self.run(name, arguments)?)
    }
}

/// A process that ends with its owner, whatever happens to the test.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a command that writes what it says into a file of the stage's.
    pub fn start(stage: &Stage, mut command: Command, name: &str) -> Result<Self> {
        let log = stage.folder.join(format!("{name}.log"));
        let child = command.stdout(fs::File::create(&log)?).stderr(Stdio::inherit()).spawn()?;
        Ok(Self { child, log })
    }

    /// What it has said so far, as JSON, whole lines only.
    pub fn said(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(&self.log)?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    /// Waits until it has said something that is wanted, and returns that.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(what, || {
            let said = self.said()?;
            let found = said.iter().find(|event| wanted(event)).cloned();
            let ended = self.child.try_wait()?;
            ensure!(found.is_some() || ended.is_none(), "it ended before {what}: {said:?}");
            Ok(found)
        })
    }

    /// Ends it at once, as a crash would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, waits until it has, and returns its last word.
    pub fn stop(mut self) -> Result<Value> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let status = self.child.wait()?;
        let said = self.said()?;
        ensure!(status.success(), "it did not stop cleanly: {status}, {said:?}");
        said.into_iter().next_back().context("it said nothing")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Longest wait for anything: far beyond what it takes, since the machine may be busy with other things.
const PATIENCE: Duration = Duration::from_mins(10);

/// Asks again and again until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(Instant::now() < until, "{what} has not come within {} seconds", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn host(url: &str) -> Result<&str> {
    let (_, host) = url.split_once("://").context("not an address")?;
    Ok(host.trim_end_matches('/'))
}

/// Stands between a client and a server, and can cut the line.
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    /// Requests with this in them are not passed on, and end their connection.
    refused: Option<&'static str>,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A line to the server at `url`; requests that contain `refused` never arrive.
    pub fn new(url: &str, refused: Option<&'static str>) -> Result<Self> {
        let server = host(url)?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line { refused, ..Line::default() });
        let shared = Arc::clone(&line);
        // It ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A line that is cut closes what calls; so does one whose server is gone.
                let _ = shared.connect(client, &server);
            }
        });
        Ok(Self { address, line })
    }

    /// Its address, for a client that speaks `scheme`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        for stream in self.line.open.lock().map(|mut open| std::mem::take(&mut *open)).unwrap_or_default() {
            // The other side may have closed it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Line {
    fn connect(self: &Arc<Self>, client: TcpStream, server: &str) -> Result<()> {
        ensure!(!self.is_cut.load(Ordering::SeqCst), "cut");
        let server = TcpStream::connect(server)?;
        let mut open = self.open.lock().map_err(|_| anyhow::anyhow!("a connection panicked"))?;
        open.extend([client.try_clone()?, server.try_clone()?]);
        let (upstream, downstream) = ((client.try_clone()?, server.try_clone()?), (server, client));
        let line = Arc::clone(self);
        std::thread::spawn(move || pass(upstream.0, upstream.1, line.refused));
        std::thread::spawn(move || pass(downstream.0, downstream.1, None));
        Ok(())
    }
}

/// Passes bytes on until either side has closed, then closes the other.
fn pass(mut from: TcpStream, mut to: TcpStream, refused: Option<&str>) {
    let mut bytes = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let part = &bytes[..count];
        let is_refused = |text: &str| part.windows(text.len()).any(|window| window == text.as_bytes());
        if refused.is_some_and(is_refused) || to.write_all(part).is_err() {
            break;
        }
    }
    // Either may be closed already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// The independent count: the cluster's own record of the successful transactions in which a program ran, by the data of
/// each call, whether it stood in the transaction or came from another program.
pub fn executed(stage: &Stage, program: &str) -> Result<BTreeMap<String, u64>> {
    let mut ran = BTreeMap::new();
    for transaction in transactions(stage, program)? {
        let inner = transaction["meta"]["innerInstructions"].as_array().cloned().unwrap_or_default();
        let outer = transaction["transaction"]["message"]["instructions"].as_array().cloned().unwrap_or_default();
        let inner = inner.iter().filter_map(|inner| inner["instructions"].as_array()).flatten();
        for call in inner.chain(&outer).filter(|call| call["programId"] == program) {
            *ran.entry(call["data"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
    }
    Ok(ran)
}

/// The successful transactions that name an account, newest first.
pub fn transactions(stage: &Stage, account: &str) -> Result<Vec<Value>> {
    let signatures = stage.rpc("getSignaturesForAddress", &serde_json::json!([account, { "limit": 1000 }]))?;
    let signatures = signatures.as_array().context("no signatures")?.iter();
    let successful = signatures.filter(|signature| signature["err"].is_null());
    let options = serde_json::json!({ "encoding": "jsonParsed", "maxSupportedTransactionVersion": 0 });
    successful
        .map(|signature| stage.rpc("getTransaction", &serde_json::json!([signature["signature"], options])))
        .collect()
}

/// The line of a command that must have failed with one.
pub fn one_line(answer: &Answer) -> Result<String> {
    ensure!(answer.status == 1, "status {}: {}{}", answer.status, answer.stdout, answer.stderr);
    ensure!(answer.stdout.is_empty(), "it printed {:?}", answer.stdout);
    let lines: Vec<_> = answer.stderr.lines().collect();
    match lines[..] {
        [line] => Ok(line.strip_prefix("error: ").context("not an error line")?.to_owned()),
        _ => bail!("not one line: {:?}", answer.stderr),
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Its input is closed with it; the wait only makes sure that it is gone.
        drop(self.surfnet.stdin.take());
        let _ = self.surfnet.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A server that gives one answer to every request, and remembers what it was asked.
pub struct Pretender {
    /// Its address.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pretender {
    /// Starts it with its answer.
    pub fn new(answer: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": 0, "result": answer }).to_string();
        let memory = Arc::clone(&asked);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A request that cannot be read is one that was never made.
                let _ = answer_one(stream, &body, &memory);
            }
        });
        Ok(Self { url, asked })
    }

    /// The methods that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }
}

fn answer_one(stream: TcpStream, body: &str, asked: &Mutex<Vec<String>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request)?;
    let request: Value = serde_json::from_slice(&request)?;
    if let Ok(mut asked) = asked.lock() {
        asked.push(request["method"].as_str().unwrap_or_default().to_owned());
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    write!(reader.get_mut(), "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(())
}

/// Bytes as the command line takes them.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary under test.
pub fn valence() -> PathBuf {
    std::env::var_os("VALENCE_BIN").map_or_else(|| root().join("target/debug/valence"), PathBuf::from)
}

/// The server that clusters are made of.
fn surfnet() -> PathBuf {
    std::env::var_os("VALENCE_SURFNET").map_or_else(|| root().join("target/e2e/debug/surfnet"), PathBuf::from)
}

fn solana() -> PathBuf {
    std::env::var_os("VALENCE_SOLANA").map_or_else(|| PathBuf::from("solana"), PathBuf::from)
}
