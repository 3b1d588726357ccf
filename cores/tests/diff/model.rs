//! Operations as pairs, written to a vector one byte after the other.

pub type Operations = Vec<(usize, Vec<u8>)>;

pub fn encode(operations: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (offset, payload) in operations {
        wire.extend(u32::try_from(*offset).unwrap().to_le_bytes());
        wire.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        wire.extend(payload);
    }
    wire
}

pub fn decode(mut wire: &[u8]) -> Operations {
    let mut operations = Vec::new();
    while !wire.is_empty() {
        let number = |at: usize| u32::from_le_bytes(wire[at..at + 4].try_into().unwrap()) as usize;
        let (offset, bytes) = (number(0), number(4));
        operations.push((offset, wire[8..8 + bytes].to_vec()));
        wire = &wire[8 + bytes..];
    }
    operations
}

/// What the operations make of `base`, one after the other; behind its end they find zeros.
pub fn apply(operations: &[(usize, Vec<u8>)], base: &[u8], new_length: usize) -> Vec<u8> {
    let mut data = base.to_vec();
    data.resize(data.len().max(new_length), 0);
    for (offset, payload) in operations {
        for (index, byte) in payload.iter().enumerate() {
            data[offset + index] = *byte;
        }
    }
    data.truncate(new_length);
    data
}

/// The operations of a calculation, found by looking at each word: runs of words that differ, joined where no more than so many
/// equal bytes are between them (`None`: each word by itself), and what is longer than the base.
pub fn differences(base: &[u8], new: &[u8], joined_bytes: Option<usize>) -> Operations {
    let common = base.len().min(new.len());
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for start in (0..common).step_by(8) {
        let end = (start + 8).min(common);
        if base[start..end] == new[start..end] {
            continue;
        }
        match (runs.last_mut(), joined_bytes) {
            (Some(last), Some(most)) if start - last.1 <= most => last.1 = end,
            _ => runs.push((start, end)),
        }
    }
    if new.len() > common {
        runs.push((common, new.len()));
    }
    runs.into_iter().map(|(start, end)| (start, new[start..end].to_vec())).collect()
}
