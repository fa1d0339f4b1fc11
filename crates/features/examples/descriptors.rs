//! Writes the descriptors of `egemaps-v02` for every WAV file of a folder as CSV, a row for every frame: `descriptors DIR OUT.csv`.

use std::io::Write;
use std::path::PathBuf;

use stimmung_features::Egemaps;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: descriptors DIR OUT.csv".into());
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")));
    files.sort();

    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    writeln!(out, "file,frame,{}", Egemaps::DESCRIPTORS.join(","))?;
    for file in files {
        let recording = stimmung_audio::decode_path(&file)?;
        let table = Egemaps::new(recording.sample_rate())?.descriptors(recording.samples())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (frame, row) in table.iter().enumerate() {
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(out, "{name},{frame},{}", values.join(","))?;
        }
    }
    Ok(out.flush()?)
}
