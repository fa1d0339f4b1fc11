//! Figures of one recording: what it sounds like, for the eye.

use resvg::tiny_skia::{IntSize, Pixmap};
use stimmung_audio::Waveform;
use stimmung_features::{
    ChromaParams, DecibelParams, Frames, MelBank, MelParams, MelScale, Stft, StftParams, YinParams, chroma_stft, mfcc,
    power_to_db, rms, yin,
};

use crate::chart::{Area, Axis, Chart};
use crate::svg::{Canvas, Pen};
use crate::{Figure, ReportError, colour};

/// Longer recordings would be drawn finer than any paper is.
const LONGEST: f64 = 600.0;
/// The most columns and rows of a picture: more than the dots it is printed with.
const COLUMNS: usize = 1600;
const ROWS: usize = 512;

/// The waveform: for each column of the figure the range of its samples.
///
/// # Errors
/// [`ReportError::Missing`] for a recording without samples or of more than ten minutes.
pub fn waveform(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let samples = sound.samples();
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let reach = f64::from(if peak > 0.0 { peak } else { 1.0 }) * 1.05;
    let x = Axis::values("seconds", 0.0, sound.seconds());
    let y = Axis::values("amplitude", -reach, reach);
    let columns = COLUMNS.min(samples.len());
    let note = format!("{} Peak {peak:.3}.", about(name, sound));
    Ok(Chart::new("Waveform", x, y).note(&note).height(220.0).draw(&note, |canvas, area| {
        let (mut above, mut below) = (Vec::with_capacity(columns), Vec::with_capacity(columns));
        for column in 0..columns {
            let part = &samples[column * samples.len() / columns..(column + 1) * samples.len() / columns];
            let (low, high) = part.iter().fold((f32::MAX, f32::MIN), |(low, high), &s| (low.min(s), high.max(s)));
            let seconds = (column as f64 + 0.5) / columns as f64 * sound.seconds();
            let (x, top) = area.at(seconds, f64::from(high));
            // Silence is a line as well.
            above.push((x, top - 0.3));
            below.push((x, area.y(f64::from(low)) + 0.3));
        }
        above.extend(below.into_iter().rev());
        canvas.polygon(&above, colour::MAIN);
    }))
}

/// The magnitude spectrum of the whole recording: the mean power over frames of 2048 samples, in decibel below its peak.
///
/// # Errors
/// As [`waveform`].
pub fn spectrum(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let (power, params) = power(sound)?;
    let mut mean = power.mean();
    let peak = mean.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    decibels(&mut mean, peak, 80.0)?;
    let rate = f64::from(sound.sample_rate());
    let x = Axis::values("hertz", 0.0, rate / 2.0);
    let y = Axis::values("decibel (0 is the peak)", -80.0, 0.0);
    let note = format!("{} Mean power over frames of {} samples.", about(name, sound), params.n_fft);
    Ok(Chart::new("Magnitude spectrum", x, y).note(&note).height(260.0).draw(&note, |canvas, area| {
        let place = |(bin, level): (usize, &f32)| area.at(bin as f64 * rate / params.n_fft as f64, f64::from(*level));
        let line: Vec<_> = mean.iter().enumerate().map(place).collect();
        canvas.polyline(&line, Pen::new(colour::MAIN, 1.4), "");
    }))
}

/// The spectrogram in decibel below its peak, on a linear scale of frequency.
///
/// # Errors
/// As [`waveform`].
pub fn spectrogram(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let (mut table, _) = power(sound)?;
    in_decibels(&mut table)?;
    let y = Axis::values("hertz", 0.0, f64::from(sound.sample_rate()) / 2.0);
    picture("Spectrogram", name, sound, y, &table, "Decibel below the peak, from -80 (dark) to 0.")
}

/// The mel spectrogram with 128 bands in decibel below its peak, as networks see it.
///
/// # Errors
/// As [`waveform`].
pub fn mel_spectrogram(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let table = log_mel(sound)?;
    let scale = MelScale::Slaney;
    let highest = scale.from_hertz(f64::from(sound.sample_rate()) / 2.0);
    let ticks = [0.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];
    let ticks = ticks.iter().map(|&hertz| (scale.from_hertz(hertz), format!("{hertz}"))).collect();
    let y = Axis::labelled("hertz (mel scale)", 0.0, highest, ticks);
    picture("Mel spectrogram", name, sound, y, &table, "128 bands; decibel below the peak, from -80 (dark) to 0.")
}

/// The first 20 mel-frequency cepstral coefficients; each is stretched over its own range, for their sizes differ.
///
/// # Errors
/// As [`waveform`].
pub fn mfcc_picture(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let count = 20;
    let mut table = mfcc(&log_mel(sound)?, count).map_err(|error| failed(name, &error))?;
    stretch(&mut table);
    let ticks = (0..count).step_by(5).map(|n| (n as f64 + 0.5, n.to_string())).collect();
    let y = Axis::labelled("coefficient", 0.0, count as f64, ticks);
    picture(
        "MFCC",
        name,
        sound,
        y,
        &table,
        "Mel-frequency cepstral coefficients 0 to 19, each from its least (dark) to its greatest.",
    )
}

/// The chromagram: the energy of the twelve pitch classes, each frame divided by its strongest.
///
/// # Errors
/// As [`waveform`].
pub fn chromagram(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let (power, _) = power(sound)?;
    let table =
        chroma_stft(&power, &ChromaParams::default(), sound.sample_rate()).map_err(|error| failed(name, &error))?;
    let names = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
    let ticks = names.iter().enumerate().map(|(n, name)| (n as f64 + 0.5, name.replace('♯', "#"))).collect();
    let y = Axis::labelled("pitch class", 0.0, 12.0, ticks);
    picture("Chromagram", name, sound, y, &table, "Share of each frame's strongest pitch class, from 0 (dark) to 1.")
}

/// The contour of the fundamental frequency, by YIN, where a period is believed.
///
/// # Errors
/// As [`waveform`], and for sampling rates below 2400 Hz.
pub fn f0(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    // Voices are less even than instruments: at the usual 0.15 half of what is voiced would be left out.
    let params = YinParams { threshold: 0.25, ..YinParams::default() };
    let frames = yin(sound.samples(), sound.sample_rate(), &params).map_err(|error| failed(name, &error))?;
    let mut voiced: Vec<f64> = frames.iter().filter_map(|frame| frame.hertz).collect();
    voiced.sort_by(f64::total_cmp);
    let (lowest, highest) =
        (voiced.first().copied().unwrap_or(params.low), voiced.last().copied().unwrap_or(params.high));
    let x = Axis::values("seconds", 0.0, sound.seconds());
    let y = Axis::values("hertz", (lowest * 0.9).min(lowest - 5.0).max(0.0), highest * 1.1);
    let told = match super::marks::quantile(&voiced, 0.5) {
        Some(median) => format!("Median {median:.0} Hz over {} voiced frames of {}.", voiced.len(), frames.len()),
        None => "No voiced frames.".to_owned(),
    };
    let note = format!("{} {told}", about(name, sound));
    Ok(Chart::new("Fundamental frequency", x, y).note(&note).height(240.0).draw(&note, |canvas, area| {
        contour(canvas, area, frames.iter().map(|frame| (frame.seconds, frame.hertz)));
    }))
}

/// The loudness: the mean of the auditory spectrum, see [`stimmung_features::loudness`].
///
/// # Errors
/// As [`waveform`]; also for rates below 8 kHz.
pub fn loudness(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let found =
        stimmung_features::loudness(sound.samples(), sound.sample_rate()).map_err(|error| failed(name, &error))?;
    let highest = found.values.iter().copied().fold(0.0, f32::max);
    let x = Axis::values("seconds", 0.0, sound.seconds());
    let y = Axis::from_zero("loudness", f64::from(highest));
    let note = format!("{} Mean of the auditory spectrum (eGeMAPS), frames of 20 ms, every 10 ms.", about(name, sound));
    Ok(Chart::new("Loudness", x, y).note(&note).height(240.0).draw(&note, |canvas, area| {
        contour(canvas, area, found.points().map(|(seconds, value)| (seconds, Some(f64::from(value)))));
    }))
}

/// The contour of the level: the root mean square of frames of 25 ms in decibel below full scale.
///
/// # Errors
/// As [`waveform`].
pub fn level(name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
    check(name, sound)?;
    let rate = f64::from(sound.sample_rate());
    let (frame, hop) = ((rate * 0.025).max(1.0) as usize, (rate * 0.01).max(1.0) as usize);
    let levels = rms(sound.samples(), frame, hop).map_err(|error| failed(name, &error))?;
    let decibel = |level: f32| 20.0 * f64::from(level.max(1e-5)).log10();
    let x = Axis::values("seconds", 0.0, sound.seconds());
    let y = Axis::values("decibel (0 is full scale)", -100.0, 0.0);
    let note = format!("{} Root mean square of frames of 25 ms, every 10 ms.", about(name, sound));
    Ok(Chart::new("Level", x, y).note(&note).height(240.0).draw(&note, |canvas, area| {
        let points = levels.iter().enumerate().map(|(n, &level)| ((n * hop) as f64 / rate, Some(decibel(level))));
        contour(canvas, area, points);
    }))
}

/// A line through the points that have a value, broken where one has none.
fn contour(canvas: &mut Canvas, area: &Area, points: impl Iterator<Item = (f64, Option<f64>)>) {
    let pen = Pen::new(colour::MAIN, 1.8);
    let mut piece = Vec::new();
    for (seconds, value) in points.chain([(0.0, None)]) {
        match value {
            Some(value) => piece.push(area.at(seconds, value)),
            None if piece.len() == 1 => {
                canvas.mark(std::mem::take(&mut piece)[0], crate::svg::Mark::Circle, 1.5, colour::MAIN, "");
            }
            None if !piece.is_empty() => canvas.polyline(&std::mem::take(&mut piece), pen, ""),
            None => {}
        }
    }
}

fn check(name: &str, sound: &Waveform) -> Result<(), ReportError> {
    let missing = |why: String| Err(ReportError::Missing { what: name.to_owned(), why });
    if sound.is_empty() {
        return missing("it has no samples".to_owned());
    }
    if sound.seconds() > LONGEST {
        return missing(format!("{:.0} s are too many for one figure; cut it to {LONGEST} s or less", sound.seconds()));
    }
    Ok(())
}

fn about(name: &str, sound: &Waveform) -> String {
    format!("{name}: {:.2} s at {} Hz.", sound.seconds(), sound.sample_rate())
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> ReportError {
    ReportError::Missing { what: name.to_owned(), why: error.to_string() }
}

/// The power spectrogram, shape `(frames, bins)`.
fn power(sound: &Waveform) -> Result<(Frames, StftParams), ReportError> {
    // Long recordings get fewer frames: the picture could not show them.
    let hop = (sound.len() / COLUMNS).max(StftParams::default().hop / 2);
    let params = StftParams { hop, ..StftParams::default() };
    let mut table = Stft::new(params).map_err(|error| failed("spectrogram", &error))?.magnitudes(sound.samples());
    table.values_mut().iter_mut().for_each(|value| *value *= *value);
    Ok((table, params))
}

fn log_mel(sound: &Waveform) -> Result<Frames, ReportError> {
    let (power, params) = power(sound)?;
    let bank = MelBank::new(&MelParams::default(), sound.sample_rate(), params.n_fft);
    let mut table = bank.and_then(|bank| bank.apply(&power)).map_err(|error| failed("mel spectrogram", &error))?;
    in_decibels(&mut table)?;
    Ok(table)
}

/// Decibel below the table's own peak, 80 at most.
fn in_decibels(table: &mut Frames) -> Result<(), ReportError> {
    let peak = table.values().iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    decibels(table.values_mut(), peak, 80.0)
}

fn decibels(values: &mut [f32], peak: f32, range: f32) -> Result<(), ReportError> {
    let floor = (peak * 10.0_f32.powf(-range / 10.0)).max(f32::MIN_POSITIVE);
    let params = DecibelParams { reference: peak, floor, range: Some(range) };
    power_to_db(values, &params).map_err(|error| failed("decibel", &error))
}

/// Brings every band into 0 … 1 over its own range.
fn stretch(table: &mut Frames) {
    let bands = table.bands();
    for band in 0..bands {
        let of = |table: &Frames| table.values().iter().skip(band).step_by(bands).copied().collect::<Vec<f32>>();
        let values = of(table);
        let low = values.iter().copied().fold(f32::MAX, f32::min);
        let high = values.iter().copied().fold(f32::MIN, f32::max);
        let extent = if high > low { high - low } else { 1.0 };
        for value in table.values_mut().iter_mut().skip(band).step_by(bands) {
            *value = (*value - low) / extent;
        }
    }
}

/// A table as a picture: time to the right, bands upward, its own range from dark to light.
fn picture(
    title: &str,
    name: &str,
    sound: &Waveform,
    y: Axis,
    table: &Frames,
    told: &str,
) -> Result<Figure, ReportError> {
    let png = paint(table)?;
    let x = Axis::values("seconds", 0.0, sound.seconds());
    let note = format!("{} {told}", about(name, sound));
    Ok(Chart::new(title, x, y).note(&note).height(300.0).without_grid().draw(&note, |canvas, area| {
        canvas.picture((area.left, area.top), (area.width, area.height), &png);
    }))
}

fn paint(table: &Frames) -> Result<Vec<u8>, ReportError> {
    let (columns, rows) = (table.frames().clamp(1, COLUMNS), table.bands().clamp(1, ROWS));
    let low = table.values().iter().copied().fold(f32::MAX, f32::min);
    let high = table.values().iter().copied().fold(f32::MIN, f32::max);
    let extent = f64::from(if high > low { high - low } else { 1.0 });
    let mut bytes = Vec::with_capacity(4 * rows * columns);
    for row in (0..rows).rev() {
        // The loudest of what falls onto one dot, lest narrow lines vanish.
        let bands = row * table.bands() / rows..(row + 1) * table.bands() / rows;
        for column in 0..columns {
            let frames = column * table.frames() / columns..(column + 1) * table.frames() / columns;
            let loudest = frames.flat_map(|frame| &table.frame(frame)[bands.clone()]).copied().fold(f32::MIN, f32::max);
            let [r, g, b] = colour::viridis(f64::from(loudest - low) / extent);
            bytes.extend([r, g, b, 255]);
        }
    }
    let size = IntSize::from_wh(columns as u32, rows as u32);
    size.and_then(|size| Pixmap::from_vec(bytes, size))
        .ok_or_else(|| ReportError::Drawing("a picture without dots".to_owned()))?
        .encode_png()
        .map_err(|error| ReportError::Drawing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::collisions;

    type Draw = fn(&str, &Waveform) -> Result<Figure, ReportError>;

    const ALL: [Draw; 9] =
        [waveform, spectrum, spectrogram, mel_spectrogram, mfcc_picture, chromagram, f0, loudness, level];

    fn voice(seconds: f64, rate: u32) -> Waveform {
        let samples = (0..(seconds * f64::from(rate)) as usize)
            .map(|n| {
                (1..9).map(|k| 0.1 * (k as f32 * n as f32 * 150.0 / rate as f32 * std::f32::consts::TAU).sin()).sum()
            })
            .collect();
        Waveform::new(samples, rate).unwrap()
    }

    #[test]
    fn every_sound_has_every_figure() {
        let silence = Waveform::new(vec![0.0; 16_000], 16_000).unwrap();
        let click = Waveform::new(vec![1.0], 8000).unwrap();
        let name = "a folder with a long name/and a file whose name goes on and on and on and on until it is longer than a line.wav";
        for sound in [voice(1.3, 16_000), voice(0.2, 48_000), voice(3.0, 8000), silence, click] {
            for figure in ALL {
                let figure = figure(name, &sound).unwrap();
                assert_eq!(collisions(&figure), Vec::<String>::new(), "{}", figure.title);
                assert!(figure.to_png(1.0).unwrap().len() > 1000);
            }
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let long = Waveform::new(vec![0.1; 8000 * 601], 8000).unwrap();
        for figure in ALL {
            let error = figure("long.wav", &long).unwrap_err().to_string();
            assert!(error.contains("long.wav") && error.contains("cut it"), "{error}");
        }
    }

    #[test]
    fn the_pitch_is_told() {
        let figure = f0("voice.wav", &voice(1.0, 16_000)).unwrap();
        assert!(figure.svg.contains("Median 150 Hz"), "{}", figure.svg);
    }

    #[test]
    fn pictures_have_low_bands_below() {
        let mut table = Frames::zeros(4, 3);
        for frame in 0..4 {
            table.frame_mut(frame)[0] = 1.0;
        }
        let picture = Pixmap::decode_png(&paint(&table).unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (4, 3));
        let dot = picture.pixel(0, 2).unwrap();
        assert_eq!([dot.red(), dot.green(), dot.blue()], colour::viridis(1.0));
    }
}
