//! Files that an archive of a repository holds only as Git LFS pointers: three lines with the file's SHA-256 and size.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::http::{Client, Item};
use super::place::Place;
use super::{FetchParams, Watch, bring};
use crate::error::CorpusError;
use crate::source::{Sums, is_hexadecimal};

/// Longer than any pointer, in bytes.
const MAX_POINTER: u64 = 1024;

/// A file that is elsewhere.
pub(super) struct Pointer {
    /// Where it belongs, relative to the folder, with `/`.
    file: String,
    sha256: String,
    bytes: u64,
}

/// The pointers in a folder, sorted by file.
pub(super) fn pointers(folder: &Path) -> Result<Vec<Pointer>, CorpusError> {
    let mut found = Vec::new();
    for (file, bytes) in bring::list(folder, usize::MAX)? {
        if bytes > MAX_POINTER {
            continue;
        }
        let path = folder.join(&file);
        let mut text = Vec::new();
        std::fs::File::open(&path)
            .and_then(|opened| opened.take(MAX_POINTER).read_to_end(&mut text))
            .map_err(|source| CorpusError::io("read", &path, source))?;
        if let Some((sha256, bytes)) = std::str::from_utf8(&text).ok().and_then(parse) {
            found.push(Pointer { file, sha256, bytes });
        }
    }
    Ok(found)
}

/// The SHA-256 and the size in a pointer's text.
fn parse(text: &str) -> Option<(String, u64)> {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    if !value("version")?.starts_with("https://git-lfs.github.com/spec/") {
        return None;
    }
    let sha256 = value("oid")?.strip_prefix("sha256:")?;
    is_hexadecimal(sha256, 64).then(|| Some((sha256.to_owned(), value("size")?.parse().ok()?)))?
}

/// Downloads what the pointers in the place's stage point to, from below the address `base`, and puts it there.
pub(super) fn resolve(
    base: &str,
    place: &Place,
    params: &FetchParams,
    watch: &dyn Watch,
    advice: &str,
) -> Result<(), CorpusError> {
    let pointers = pointers(place.stage())?;
    let total = pointers.iter().fold(0_u64, |sum, pointer| sum.saturating_add(pointer.bytes));
    if total > params.limits.bytes {
        let what = format!("its files would have {total} bytes, more than the {} that are taken", params.limits.bytes);
        return Err(CorpusError::Archive { path: place.archive().to_path_buf(), what });
    }
    let objects = place.objects();
    std::fs::create_dir_all(objects).map_err(|source| CorpusError::io("write", objects, source))?;
    watch.stage("downloading recordings", Some(total));
    let client = Client::new(base, params, watch);
    let mut done = 0;
    client.interruptible(|| {
        for pointer in &pointers {
            let object = object_of(pointer, objects);
            // An object gets its name when its checksum is right, so one that is there needs no other look.
            if !object.is_file() {
                let url = format!("{}/{}", base.trim_end_matches('/'), escape(&pointer.file));
                let sums = Sums { md5: None, sha256: Some(pointer.sha256.clone()) };
                let item = Item { url: &url, sums: &sums, bytes: Some(pointer.bytes), cap: pointer.bytes, advice };
                client.download(&item, &object, &mut |bytes| watch.at(done + bytes))?;
            }
            done += pointer.bytes;
            watch.at(done);
        }
        Ok::<_, CorpusError>(())
    })?;
    for pointer in &pointers {
        // Several pointers may point to the same object, so it is copied; the objects go when the corpus is in place.
        let (object, target) = (object_of(pointer, objects), place.stage().join(&pointer.file));
        std::fs::copy(object, &target).map_err(|source| CorpusError::io("write", &target, source))?;
    }
    Ok(())
}

fn object_of(pointer: &Pointer, objects: &Path) -> PathBuf {
    objects.join(&pointer.sha256)
}

/// A path as it is written in an address.
fn escape(path: &str) -> String {
    use std::fmt::Write;
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_what_only_looks_like_one() {
        let sum = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sum}\nsize 12345\n");
        assert_eq!(parse(&text), Some((sum.to_owned(), 12345)));
        for other in [
            String::new(),
            "RIFF".into(),
            text.replace("git-lfs.github.com", "a.example"),
            text.replace(sum, "../../etc/passwd"),
            text.replace("12345", "-1"),
            text.replace("oid", "id"),
        ] {
            assert_eq!(parse(&other), None, "{other}");
        }
    }

    #[test]
    fn addresses_hold_no_blanks() {
        assert_eq!(escape("AudioWAV/a (1)é.wav"), "AudioWAV/a%20%281%29%C3%A9.wav");
    }
}
