use super::*;

/// Pseudo-random numbers of −½ to ½.
fn noise() -> impl Iterator<Item = f64> {
    let mut state = 1_u32;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / 4_294_967_296.0 - 0.5
    })
}

/// A vowel: pulses through two decaying resonances, over a little noise. Periods and heights differ from pulse to pulse by these
/// shares, in turns of four.
fn vowel(rate: u32, seconds: f64, hertz: f64, periods: [f64; 4], heights: [f64; 4]) -> Vec<f32> {
    let count = (seconds * f64::from(rate)) as usize;
    let mut signal: Vec<f64> = noise().take(count).map(|noise| 2e-3 * noise).collect();
    let (mut at, mut pulse) = (0.0, 0);
    while at < count as f64 {
        for n in at.ceil() as usize..(at as usize + rate as usize / 40).min(count) {
            let t = (n as f64 - at) / f64::from(rate);
            let resonance = |hertz: f64, decay: f64| (-decay * t).exp() * (std::f64::consts::TAU * hertz * t).sin();
            signal[n] += 0.3 * (1.0 + heights[pulse % 4]) * (resonance(600.0, 400.0) + 0.4 * resonance(1500.0, 600.0));
        }
        at += f64::from(rate) / hertz * (1.0 + periods[pulse % 4]);
        pulse += 1;
    }
    signal.into_iter().map(|value| value as f32).collect()
}

fn steady(rate: u32, seconds: f64, hertz: f64) -> Vec<f32> {
    vowel(rate, seconds, hertz, [0.0; 4], [0.0; 4])
}

fn column(name: &str) -> usize {
    Compare::descriptor_names().iter().position(|other| other == name).unwrap()
}

fn median(table: &Frames, name: &str) -> f32 {
    let column = column(name);
    let mut values: Vec<f32> = table.iter().map(|row| row[column]).collect();
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}

#[test]
fn names_are_as_many_as_values_and_different() {
    let (functionals, descriptors) = (Compare::functional_names(), Compare::descriptor_names());
    assert_eq!((functionals.len(), descriptors.len()), (FUNCTIONALS, 130));
    for names in [&functionals, &descriptors] {
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
    }
    assert_eq!(descriptors[10], "audSpec_Rfilt_sma[0]");
    assert_eq!(descriptors[129], "mfcc_sma_de[14]");
    assert_eq!(functionals[0], "audspec_lengthL1norm_sma_range");
    assert_eq!(functionals[4126], "F0final_sma_ff0_nnz");
}

#[test]
fn silence_has_the_known_values() {
    let mut compare = Compare::new(16_000).unwrap();
    let silence = vec![0.0; 32_000];
    let table = compare.descriptors(&silence).unwrap();
    for (column, name) in Compare::descriptor_names().iter().enumerate() {
        let expected = match name.as_str() {
            "audspec_lengthL1norm_sma" => 0.001_033_97,
            "pcm_zcr_sma" => 958.0 / 960.0,
            "logHNR_sma" => -100.0,
            "pcm_fftMag_spectralEntropy_sma" => 4.316e-6,
            _ if name.contains("RollOff") && !name.contains("_de") => 31.25,
            // What the ear makes of a level that does not change.
            _ if name.starts_with("audSpec_Rfilt_sma[") || name == "audspecRasta_lengthL1norm_sma" => continue,
            _ => 0.0,
        };
        for row in &table {
            assert!((row[column] - expected).abs() <= 1e-5 * expected.abs(), "{name}: {}", row[column]);
        }
    }
    let values = compare.functionals(&silence).unwrap();
    for (name, value) in Compare::functional_names().iter().zip(values) {
        let expected = match name.strip_prefix("pcm_RMSenergy_sma_") {
            Some("flatness" | "de_flatness") => 1.0,
            Some("peakMeanRel" | "de_peakMeanRel") => 20.0,
            Some(_) => 0.0,
            None if name.starts_with("F0final") => 0.0,
            None if name == "logHNR_sma_amean" => -100.0,
            None if name == "logHNR_sma_rqmean" => 100.0,
            None => continue,
        };
        assert!((value - expected).abs() < 1e-4, "{name}: {value}");
    }
}

#[test]
fn every_length_and_rate_gives_finite_values() {
    for rate in [8000, 11_025, 16_000, 44_100, 192_000] {
        let mut compare = Compare::new(rate).unwrap();
        let voice = steady(rate, 0.4, 140.0);
        let clipped: Vec<f32> = voice.iter().map(|sample| (40.0 * sample).clamp(-1.0, 1.0)).collect();
        let mut torn = voice.clone();
        torn[rate as usize / 8..rate as usize / 4].fill(0.0);
        let frame = rate as usize * 6 / 100;
        for length in [1, 2, frame - 1, frame, frame + 1, frame + rate as usize / 50, voice.len()] {
            let flat = [0.0, 1.0, 1e-30, -1e15].map(|level| vec![level; length]);
            for signal in [&voice, &clipped, &torn].map(|signal| signal[..length].to_vec()).into_iter().chain(flat) {
                let values = compare.functionals(&signal).unwrap();
                assert_eq!(values.len(), FUNCTIONALS);
                let infinite = values.iter().position(|value| !value.is_finite());
                assert_eq!(infinite.map(|index| names::functionals()[index].clone()), None, "{rate} {length}");
                let table = compare.descriptors(&signal).unwrap();
                assert!(table.frames() > 0 && table.values().iter().all(|value| value.is_finite()), "{rate} {length}");
            }
        }
    }
}

/// The contours of a whole recording, of which so many frames stay in memory.
fn analysed(samples: &[f32], block: usize) -> Analysis {
    let mut analysis = Analysis::new(16_000, block).unwrap();
    analysis.begin(Level::Functionals);
    for samples in samples.chunks(7000) {
        analysis.push(samples, &mut Vec::new()).unwrap();
    }
    analysis.finish(&mut Vec::new()).unwrap();
    analysis
}

#[test]
fn contours_have_the_frames_that_the_set_gives_them() {
    for frames in [1, 2, 3, 4, 60] {
        let mut analysis = analysed(&steady(16_000, 1.0, 150.0)[..960 + 160 * (frames - 1)], BLOCK);
        let contours = analysis.contours();
        let decided = contours.decided;
        assert!(decided < frames);
        let most = frames.saturating_sub(2).max(1);
        for index in 0..59 {
            let sound = contours.sound(index).unwrap();
            let distribution = if index < 4 { most } else { frames + 2 };
            assert_eq!(sound.distribution.map(<[f32]>::len), [distribution; 2]);
            assert_eq!((sound.levels.len(), sound.deltas.len()), (frames, most));
        }
        let voices = contours.voices().unwrap();
        assert!(voices.contours.iter().all(|contour| contour.len() == decided.saturating_sub(2).max(1)));
        assert_eq!(voices.fundamental.len(), decided);
    }
}

#[test]
fn the_table_is_what_the_functionals_see() {
    let voice = steady(16_000, 0.8, 150.0);
    let table = Compare::new(16_000).unwrap().descriptors(&voice).unwrap();
    let mut analysis = analysed(&voice, BLOCK);
    let contours = analysis.contours();
    let seen = |contour: &[f32], column: usize| {
        assert!(
            !contour.is_empty() && contour.iter().zip(table.iter()).all(|(value, row)| *value == row[column]),
            "{column}"
        );
    };
    for index in 0..59 {
        let sound = contours.sound(index).unwrap();
        seen(sound.distribution[0], 6 + index);
        seen(sound.distribution[1], 71 + index);
        seen(sound.levels, 6 + index);
        seen(sound.deltas, 71 + index);
    }
    // The last delta looks at a frame that is smoothed with another neighbour.
    let voices = contours.voices().unwrap().contours;
    voices.iter().zip((0..6).chain(65..71)).for_each(|(contour, column)| seen(&contour[..contour.len() - 1], column));
}

#[test]
fn functionals_are_the_same_of_contours_that_waited_in_a_file() {
    let voice = steady(16_000, 1.5, 150.0);
    let expected = Compare::new(16_000).unwrap().functionals(&voice).unwrap();
    for block in [1, 10, 64, 144, 145, 146] {
        let found = Functionals::default().of(analysed(&voice, block).contours()).unwrap();
        assert_eq!(found, expected, "{block}");
    }
}

#[test]
fn known_voices_are_found() {
    for rate in [8000, 16_000, 44_100] {
        for hertz in [90.0, 130.0, 210.0, 330.0] {
            let table = Compare::new(rate).unwrap().descriptors(&steady(rate, 1.0, hertz)).unwrap();
            assert!((f64::from(median(&table, "F0final_sma")) / hertz - 1.0).abs() < 0.01, "{rate} {hertz}");
            assert!(median(&table, "voicingFinalUnclipped_sma") > 0.7, "{rate} {hertz}");
        }
    }
}

#[test]
fn known_irregularities_are_found() {
    let medians = |rate, hertz, periods: [f64; 4], heights: [f64; 4]| {
        let table = Compare::new(rate).unwrap().descriptors(&vowel(rate, 2.0, hertz, periods, heights)).unwrap();
        ["jitterLocal_sma", "jitterDDP_sma", "shimmerLocal_sma", "logHNR_sma"].map(|name| median(&table, name))
    };
    for rate in [16_000, 48_000] {
        for hertz in [100.0, 160.0, 240.0] {
            let [jitter, ddp, shimmer, ratio] = medians(rate, hertz, [0.0; 4], [0.0; 4]);
            assert!(jitter < 0.003 && ddp < 0.006 && shimmer < 0.03, "{rate} {hertz}: {jitter} {ddp} {shimmer}");
            assert!(ratio > 15.0, "{rate} {hertz}: {ratio}");

            // In turns: neighbours differ by 4 %.
            let [jitter, _, _, rougher] = medians(rate, hertz, [0.02, -0.02, 0.02, -0.02], [0.0; 4]);
            assert!((jitter - 0.04).abs() < 0.01, "{rate} {hertz}: jitter {jitter}");
            assert!(rougher < ratio - 3.0, "{rate} {hertz}: {rougher} {ratio}");

            // Differences of 4, 2, 4 and 6 %: their own differences are 2 %.
            let [jitter, ddp, ..] = medians(rate, hertz, [-0.03, 0.01, -0.01, 0.03], [0.0; 4]);
            assert!((jitter - 0.04).abs() < 0.015, "{rate} {hertz}: jitter {jitter}");
            assert!((ddp - 0.02).abs() < 0.015, "{rate} {hertz}: {ddp}");

            let [_, _, shimmer, _] = medians(rate, hertz, [0.0; 4], [0.1, -0.1, 0.1, -0.1]);
            // A cycle rings on in the next.
            assert!((shimmer - 0.2).abs() < 0.08, "{rate} {hertz}: shimmer {shimmer}");
        }
    }
}

/// By what the values of a descriptor are multiplied where the samples are multiplied by 2.
fn power_of_two(name: &str) -> f32 {
    match name {
        _ if name.starts_with("pcm_RMSenergy") || name.contains("Flux") => 2.0,
        _ if name.contains("fband") || name.contains("spectralSlope") || name.contains("Harmonicity") => 4.0,
        _ if name.starts_with("audspec_length") => 2.0_f32.powf(0.66),
        _ => 1.0,
    }
}

#[test]
fn gain_scales_what_it_must_and_changes_nothing_else() {
    let voice = steady(16_000, 1.0, 170.0);
    let louder: Vec<f32> = voice.iter().map(|sample| 2.0 * sample).collect();
    let mut compare = Compare::new(16_000).unwrap();
    let (once, twice) = (compare.descriptors(&voice).unwrap(), compare.descriptors(&louder).unwrap());
    for (column, name) in Compare::descriptor_names().iter().enumerate() {
        let factor = power_of_two(name);
        // Only logarithms and roots round a factor of two.
        let exact = !["audspec", "audSpec", "Entropy", "mfcc"].iter().any(|part| name.contains(part));
        // A delta is rounded as the values are of which it is the difference.
        let largest = once.iter().fold(0.0, |largest: f32, row| largest.max(row[column % 65].abs()));
        for (frame, (once, twice)) in once.iter().zip(twice.iter()).enumerate() {
            let (expected, found) = (factor * once[column], twice[column]);
            let near = (expected - found).abs() <= 1e-5 * factor * largest;
            assert!(if exact { expected == found } else { near }, "{name} {frame}: {found}, expected {expected}");
        }
    }
}

#[test]
fn functionals_of_what_gain_does_not_change_are_unchanged() {
    let voice = steady(16_000, 1.0, 170.0);
    let louder: Vec<f32> = voice.iter().map(|sample| 0.25 * sample).collect();
    let mut compare = Compare::new(16_000).unwrap();
    let (loud, soft) = (compare.functionals(&voice).unwrap(), compare.functionals(&louder).unwrap());
    let mut same = 0;
    for ((name, loud), soft) in Compare::functional_names().iter().zip(loud).zip(soft) {
        let exact = ["pcm_zcr", "RollOff", "Centroid", "Variance", "Skewness", "Kurtosis", "Sharpness"];
        if exact.iter().any(|part| name.contains(part)) {
            assert_eq!(loud, soft, "{name}");
            same += 1;
        } else if let Some(functional) = name.strip_prefix("pcm_RMSenergy_sma_") {
            let scaled = ["range", "quartile1", "quartile2", "quartile3", "stddev", "amean", "rqmean", "peakMeanAbs"];
            let unscaled =
                ["maxPos", "minPos", "upleveltime50", "risetime", "meanSegLen", "lpc0", "linregc1", "centroid"];
            if scaled.contains(&functional) {
                assert_eq!(0.25 * loud, soft, "{name}");
            } else if unscaled.contains(&functional) {
                assert!((loud - soft).abs() <= 1e-5 * loud.abs(), "{name}: {loud} {soft}");
            }
        }
    }
    // Of each of ten contours and of their deltas.
    assert_eq!(same, 10 * (31 + 31 + 23 + 15));
}

#[test]
fn values_do_not_depend_on_what_came_before() {
    let (first, second) = (steady(16_000, 1.0, 200.0), steady(16_000, 0.6, 120.0));
    let mut used = Compare::new(16_000).unwrap();
    used.functionals(&first).unwrap();
    used.descriptors(&first).unwrap();
    let mut fresh = Compare::new(16_000).unwrap();
    assert_eq!(used.functionals(&second).unwrap(), fresh.functionals(&second).unwrap());
    assert_eq!(used.descriptors(&second).unwrap(), fresh.descriptors(&second).unwrap());
}

#[test]
fn unfit_recordings_are_refused() {
    assert!(matches!(Compare::new(7999), Err(FeatureError::SampleRate { .. })));
    let mut compare = Compare::new(16_000).unwrap();
    assert!(matches!(compare.functionals(&[]), Err(FeatureError::TooShort { .. })));
    assert!(matches!(compare.descriptors(&[0.0, f32::NAN]), Err(FeatureError::Sample { index: 1, .. })));
}
