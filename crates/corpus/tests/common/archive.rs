//! Zip archives of any content, honest or not, without compression.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and one that cannot go on fails")]

/// One entry, as the archive describes it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    /// The size that the archive says it has.
    pub size: u32,
    /// Bit 0 says that it is encrypted, bit 11 that its name is UTF-8.
    pub flags: u16,
    /// How it is packed; 0 is not at all.
    pub method: u16,
    /// Type and permissions, as Unix has them.
    pub mode: u32,
}

impl Entry {
    pub fn new(name: &str, data: &[u8]) -> Self {
        let (name, size) = (name.as_bytes().to_vec(), data.len() as u32);
        Self { name, data: data.to_vec(), size, flags: 0x800, method: 0, mode: 0o100_644 }
    }
}

/// The archive of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = bytes.len() as u32;
        let mut common = Vec::new();
        for field in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(&entry.data), entry.data.len() as u32, entry.size] {
            common.extend(field.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());

        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(&entry.name);
        bytes.extend(&entry.data);

        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let (count, start) = (entries.len() as u16, bytes.len() as u32);
    let length = directory.len() as u32;
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

/// The archive of files with these names, each with its own name as content.
pub fn zip_of(names: &[&str]) -> Vec<u8> {
    zip(&names.iter().map(|name| Entry::new(name, name.as_bytes())).collect::<Vec<_>>())
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
        crc
    })
}
