//! Fetching corpora: download or take what people bring, check it, unpack it, and put it into place, whole or not at all.
//!
//! [`fetch`] does it all for one [`Source`]. The corpus ends in a folder of its name below [`FetchParams::to`], so that
//! [`find`](crate::find()) finds it; what is on its way lies in `.downloads` there, and an interrupted download goes on from it. Whoever
//! calls asks for consent to the owner's terms and says so with [`FetchParams::terms_accepted`].
//!
//! ```no_run
//! use stimmung_corpus::fetch::{FetchParams, Silent, fetch};
//! use stimmung_corpus::Source;
//!
//! let source = Source::by_name("emodb")?;
//! println!("{}: {}", source.title(), source.terms());
//! let params = FetchParams { terms_accepted: true, ..FetchParams::into_folder("corpora") };
//! let fetched = fetch(source, &params, &Silent)?;
//! println!("{} recordings in {}", fetched.recordings, fetched.path.display());
//! # Ok::<(), stimmung_corpus::CorpusError>(())
//! ```

mod bring;
mod http;
mod lfs;
mod part;
mod place;
mod record;
mod unpack;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use record::{RECORD_FILE, Record};

use crate::error::CorpusError;
use crate::find::find;
use crate::manifest::Manifest;
use crate::probe::content_hash;
use crate::source::Source;
use http::{Client, Item};
use part::with_suffix;
use place::Place;

/// The largest archive that is taken where its publisher does not tell its size, in bytes.
const MAX_ARCHIVE: u64 = 8 << 30;

/// What an archive or a folder may hold at most. The defaults are far above any corpus of speech, and below what fills a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files in an archive or folder (200,000).
    pub files: usize,
    /// Bytes of all of them together (32 GiB).
    pub bytes: u64,
    /// How many times its own size an archive may become (100; recordings pack two or three times, silence more).
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 200_000, bytes: 32 << 30, ratio: 100 }
    }
}

/// How to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchParams {
    /// The folder in which the corpus gets a folder of its own; it is made if need be.
    pub to: PathBuf,
    /// Whether whoever asks for the corpus has accepted its owner's terms. Nothing is downloaded otherwise; what people bring, they have
    /// the owner's leave for.
    pub terms_accepted: bool,
    /// An archive (zip) or a folder that somebody brings, instead of a download.
    pub from: Option<PathBuf>,
    /// Whether a corpus that was fetched before is replaced.
    pub force: bool,
    /// A mirror: `https://HOST/PATH` is asked for as `MIRROR/HOST/PATH`, which is how `wget --mirror` lays files out.
    pub mirror: Option<String>,
    /// After how long without a byte the connection is given up (30 s).
    pub stall: Duration,
    /// How many more times a download is tried that brings nothing new (5).
    pub retries: u32,
    /// How long to wait before the second attempt; twice as long before each further one (1 s).
    pub backoff: Duration,
    /// What an archive or a folder may hold at most.
    pub limits: Limits,
}

impl FetchParams {
    /// The defaults, without consent to any terms, for corpora in this folder.
    pub fn into_folder(to: impl Into<PathBuf>) -> Self {
        Self {
            to: to.into(),
            terms_accepted: false,
            from: None,
            force: false,
            mirror: None,
            stall: Duration::from_secs(30),
            retries: 5,
            backoff: Duration::from_secs(1),
            limits: Limits::default(),
        }
    }

    /// The address at the mirror, if there is one.
    ///
    /// ```
    /// use stimmung_corpus::fetch::FetchParams;
    ///
    /// let mut params = FetchParams::into_folder("corpora");
    /// assert_eq!(params.address("https://a.example/b.zip"), "https://a.example/b.zip");
    /// params.mirror = Some("http://mirror.example/pub/".into());
    /// assert_eq!(params.address("https://a.example/b.zip"), "http://mirror.example/pub/a.example/b.zip");
    /// ```
    pub fn address(&self, url: &str) -> String {
        let place = url.split_once("://").map_or(url, |(_, place)| place);
        match &self.mirror {
            Some(mirror) => format!("{}/{place}", mirror.trim_end_matches('/')),
            None => url.to_owned(),
        }
    }
}

/// Who watches over a fetch. Everything may be left as it is.
pub trait Watch: Sync {
    /// Another stage begins (`"downloading"`), of so many bytes if that is known.
    fn stage(&self, _stage: &str, _bytes: Option<u64>) {}
    /// So many bytes of the stage are done. It may fall back, where a download has to begin anew.
    fn at(&self, _bytes: u64) {}
    /// Something that a person may want to know at once, such as why there is a pause.
    fn note(&self, _text: &str) {}
    /// Whether the work should stop as soon as it can; it then fails with [`CorpusError::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {}

/// A corpus that is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its folder.
    pub path: PathBuf,
    /// How many recordings it has.
    pub recordings: usize,
    /// Whether it was there before, so that nothing was done.
    pub was_there: bool,
    /// What people should know of it, in sentences.
    pub notes: Vec<String>,
    /// What was fetched, from where and when; none of a corpus that was put there by other means.
    pub record: Option<Record>,
}

/// Fetches a corpus, unless it is there already.
///
/// # Errors
/// [`CorpusError::TermsNotAccepted`] and [`CorpusError::ByHand`] where people have to do something first; [`CorpusError::Download`] and
/// [`CorpusError::Checksum`] if the file cannot be had, or not the right one; [`CorpusError::Archive`] and [`CorpusError::Incomplete`]
/// for what it holds; [`CorpusError::Occupied`] if the corpus's folder was not made by this function; [`CorpusError::Busy`],
/// [`CorpusError::Cancelled`] and [`CorpusError::Io`]. The corpus's folder is then as it was before.
pub fn fetch(source: &Source, params: &FetchParams, watch: &dyn Watch) -> Result<Fetched, CorpusError> {
    if !params.force
        && let Some(there) = already_there(source, &params.to)?
    {
        return Ok(there);
    }
    if let Some(brought) = &params.from {
        return into_place(source, params, |place, notes| bring::bring(source, brought, place, params, watch, notes));
    }
    let url = address(source, params)?;
    into_place(source, params, |place, notes| download(source, &url, place, params, watch, notes))
}

/// Puts into place what `work` makes in its stage.
fn into_place(
    source: &Source,
    params: &FetchParams,
    work: impl FnOnce(&Place, &mut Vec<String>) -> Result<Record, CorpusError>,
) -> Result<Fetched, CorpusError> {
    let place = Place::claim(source.name(), &params.to)?;
    let mut notes = Vec::new();
    let record = work(&place, &mut notes)?;
    place.finish(&record)?;
    let path = place.target().to_path_buf();
    Ok(Fetched { path, recordings: record.recordings, was_there: false, notes, record: Some(record) })
}

/// The address to ask, if the source has one and its terms are accepted.
fn address(source: &Source, params: &FetchParams) -> Result<String, CorpusError> {
    let title = source.title().to_owned();
    let Some(url) = source.url() else {
        return Err(CorpusError::ByHand {
            name: source.name().to_owned(),
            title,
            page: source.page().to_owned(),
            steps: source.steps().unwrap_or("download it").to_owned(),
        });
    };
    if !params.terms_accepted {
        return Err(CorpusError::TermsNotAccepted { title, terms: source.terms().to_owned() });
    }
    Ok(params.address(url))
}

/// The corpus, if a folder of its name, or of one of its other names, holds recordings of it.
///
/// # Errors
/// [`CorpusError::Occupied`] for a folder that holds other things.
pub fn already_there(source: &Source, to: &Path) -> Result<Option<Fetched>, CorpusError> {
    let Ok(path) = find(source.name(), &[to.to_path_buf()]) else { return Ok(None) };
    if std::fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none()) {
        return Ok(None);
    }
    let Ok(manifest) = Manifest::open(&path, path.is_dir().then(|| source.name())) else {
        return Err(CorpusError::Occupied { path });
    };
    let recordings = manifest.recordings.len();
    let mut notes = Vec::new();
    if recordings < source.recordings() {
        notes.push(format!("it has {recordings} of the {} recordings of the whole corpus", source.recordings()));
    }
    let record = Record::read(&path.join(RECORD_FILE));
    Ok(Some(Fetched { path, recordings, was_there: true, notes, record }))
}

/// Downloads the archive and unpacks it into the place's stage.
fn download(
    source: &Source,
    url: &str,
    place: &Place,
    params: &FetchParams,
    watch: &dyn Watch,
    notes: &mut Vec<String>,
) -> Result<Record, CorpusError> {
    let archive = place.archive();
    let advice = format!(
        "see {}, download it there, and run `stimmung corpus fetch {} --from FILE`; or name a mirror (`--mirror URL`)",
        source.page(),
        source.name()
    );
    let item = Item {
        url,
        sums: source.sums(),
        bytes: source.bytes(),
        cap: source.bytes().unwrap_or(MAX_ARCHIVE),
        advice: &advice,
    };
    let client = Client::new(url, params, watch);
    // An archive that is whole already comes from a run that was killed while it unpacked.
    if !archive.is_file() {
        watch.stage("downloading", source.about_bytes());
        client.interruptible(|| client.download(&item, archive, &mut |bytes| watch.at(bytes)))?;
    }
    let mut record = record(source, url.to_owned(), Some(archive))?;
    if let Some(before) =
        place.last_record().filter(|before| before.from == record.from && before.sha256 != record.sha256)
    {
        notes.push(format!(
            "the file differs from the one fetched on {}: its SHA-256 was {} and is {}",
            before.fetched,
            before.sha256.unwrap_or_default(),
            record.sha256.as_deref().unwrap_or_default()
        ));
    }
    match unpack_download(source, place, params, watch, &advice, notes) {
        Ok(recordings) => record.recordings = recordings,
        Err(error) => return Err(set_aside(error, archive)?),
    }
    Ok(record)
}

/// Unpacks the archive into the place's stage, with what it only points to; returns how many recordings there are.
fn unpack_download(
    source: &Source,
    place: &Place,
    params: &FetchParams,
    watch: &dyn Watch,
    advice: &str,
    notes: &mut Vec<String>,
) -> Result<usize, CorpusError> {
    unpack::unpack(place.archive(), place.stage(), &params.limits, &|file| source.wants(file), watch)?;
    if let Some(lfs) = source.lfs() {
        lfs::resolve(&params.address(lfs), place, params, watch, advice)?;
    }
    complete(source, place.stage(), place.archive(), notes)
}

/// Sets an archive aside that is not what it should be, so that the next fetch does not take it again.
fn set_aside(error: CorpusError, archive: &Path) -> Result<CorpusError, CorpusError> {
    let mut error = error;
    if let CorpusError::Archive { path, .. } | CorpusError::Incomplete { path, .. } = &mut error {
        *path = with_suffix(archive, ".refused");
        std::fs::rename(archive, &path).map_err(|source| CorpusError::io("write", path, source))?;
    }
    Ok(error)
}

/// How many recordings lie in a folder, which must be all that the corpus has; `origin` is where they come from.
fn complete(source: &Source, folder: &Path, origin: &Path, notes: &mut Vec<String>) -> Result<usize, CorpusError> {
    let incomplete = |found, reason| CorpusError::Incomplete {
        path: origin.to_path_buf(),
        title: source.title().to_owned(),
        found,
        expected: source.recordings(),
        reason,
    };
    let pointers = lfs::pointers(folder)?.len();
    if pointers > 0 {
        let reason = format!(
            " ({pointers} files only point to recordings: `git lfs pull` in the repository gets them, and so does a fetch without `--from`)"
        );
        return Err(incomplete(0, reason));
    }
    let manifest = match Manifest::open(folder, Some(source.name())) {
        Ok(manifest) => manifest,
        Err(error @ (CorpusError::NoAudio { .. } | CorpusError::Unexplained { .. })) => {
            return Err(incomplete(0, format!(" ({error})")));
        }
        Err(error) => return Err(error),
    };
    let found = manifest.recordings.len();
    if found < source.recordings() {
        return Err(incomplete(found, String::new()));
    }
    if found > source.recordings() {
        notes.push(format!(
            "there are {found} recordings and the corpus has {}: more of it, or some twice? `stimmung corpus describe` tells",
            source.recordings()
        ));
    }
    Ok(found)
}

/// What will be remembered of a fetch; the recordings are not counted yet.
fn record(source: &Source, from: String, archive: Option<&Path>) -> Result<Record, CorpusError> {
    let (mut bytes, mut sha256) = (None, None);
    if let Some(archive) = archive {
        let failed = |source| CorpusError::io("read", archive, source);
        bytes = Some(std::fs::metadata(archive).map_err(failed)?.len());
        sha256 = Some(content_hash(archive).map_err(failed)?);
    }
    let fetched = httpdate::fmt_http_date(SystemTime::now());
    Ok(Record { corpus: source.name().to_owned(), from, bytes, sha256, recordings: 0, fetched })
}
