use super::*;
use crate::Frames;
use crate::extract::Extractor;
use crate::set::FeatureSet;

/// A voice that comes and goes, over noise.
fn voice(samples: usize, rate: u32) -> Vec<f32> {
    let mut state = 3_u32;
    (0..samples)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = state as f32 / u32::MAX as f32 - 0.5;
            let t = n as f32 / rate as f32;
            let phase = std::f32::consts::TAU * (140.0 * t + 3.0 * (2.0 * t).sin());
            let voice: f32 = (1..20).map(|h| (h as f32 * phase).sin() / h as f32).sum();
            0.2 * voice * (5.0 * t).sin().max(0.0) + 0.01 * noise
        })
        .collect()
}

fn set(groups: Vec<OwnGroup>) -> FeatureSet {
    FeatureSet::Own(OwnSet::new(groups).unwrap())
}

fn group(of: BaseSet, descriptors: &[&str], functionals: &[&str], frames: SeenFrames) -> OwnGroup {
    OwnGroup::new(of, descriptors, functionals, frames).unwrap()
}

fn extractor(set: &FeatureSet) -> Extractor {
    set.extractor(16_000).unwrap()
}

fn named(of: BaseSet) -> FeatureSet {
    FeatureSet::by_name(of.name()).unwrap()
}

fn near(found: &[f32], expected: &[f32]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 * (1e-3 + b.abs()))
}

#[test]
fn values_are_statistics_of_the_descriptors() {
    let signal = voice(24_000, 16_000);
    for of in BaseSet::ALL {
        let table = extractor(&named(of)).descriptors(&signal).unwrap();
        let own = set(vec![
            group(of, &["*"], &["amean"], SeenFrames::All),
            group(of, &["*"], &["stddev"], SeenFrames::All),
            group(of, &["*"], &["amean"], SeenFrames::Voiced),
        ]);
        let values = extractor(&own).extract_samples(&signal).unwrap();
        let place = of.descriptor_names().iter().position(|name| name == of.fundamental()).unwrap();
        let rows: Vec<f32> = table.iter().filter(|row| row[place] > 0.0).flatten().copied().collect();
        let voiced = Frames::from_rows(rows, table.bands()).unwrap();
        assert!((1..table.frames()).contains(&voiced.frames()), "{}", voiced.frames());
        assert!(near(&values, &[table.mean(), table.standard_deviation(), voiced.mean()].concat()), "{of:?}");
        // Its descriptors are those of the set, each once.
        assert_eq!(own.descriptor_names().unwrap(), named(of).descriptor_names().unwrap());
        assert_eq!(extractor(&own).descriptors(&signal).unwrap(), table);
    }
}

#[test]
fn what_the_standard_set_says_of_all_frames_is_the_same() {
    let signal = voice(20_000, 16_000);
    let functionals = ["flatness", "linregc1", "qregerrQ", "meanPeakDist", "stddevFallingSlope"];
    let own =
        set(vec![group(BaseSet::Compare2016, &["pcm_RMSenergy_sma", "mfcc_sma[7]"], &functionals, SeenFrames::All)]);
    let (standard, columns) = (Compare::functional_names(), own.columns(16_000).unwrap());
    assert_eq!(columns[8], "mfcc_sma[7]_meanPeakDist");
    let of_standard = extractor(&named(BaseSet::Compare2016)).extract_samples(&signal).unwrap();
    let find = |column: &String| of_standard[standard.iter().position(|name| name == column).unwrap()];
    let expected: Vec<f32> = columns.iter().map(find).collect();
    assert_eq!(extractor(&own).extract_samples(&signal).unwrap(), expected);
}

#[test]
fn groups_descriptors_and_functionals_keep_their_order() {
    let own = set(vec![
        group(BaseSet::Compare2016, &["pcm_zcr_sma", "F0final_sma"], &["stddev", "amean"], SeenFrames::Voiced),
        group(BaseSet::Egemaps, &["Loudness_sma3"], &["range"], SeenFrames::All),
        group(BaseSet::Compare2016, &["F0final_sma"], &["amean"], SeenFrames::All),
    ]);
    let columns = [
        "pcm_zcr_sma_voiced_stddev",
        "pcm_zcr_sma_voiced_amean",
        "F0final_sma_voiced_stddev",
        "F0final_sma_voiced_amean",
        "Loudness_sma3_range",
        "F0final_sma_amean",
    ];
    assert_eq!(own.columns(16_000).unwrap(), columns);
    assert_eq!(own.descriptor_names().unwrap(), ["pcm_zcr_sma", "F0final_sma", "Loudness_sma3"]);
    let signal = voice(16_000, 16_000);
    let mut extractor = extractor(&own);
    let values = extractor.extract_samples(&signal).unwrap();
    let table = extractor.descriptors(&signal).unwrap();
    assert_eq!((values.len(), table.bands()), (own.shape(16_000).unwrap().len(), 3));
    assert!((values[3] - 140.0).abs() < 10.0 && values[5] < values[3], "{values:?}");
    let loudness: Vec<f32> = table.iter().map(|row| row[2]).collect();
    let least = loudness.iter().fold(f32::MAX, |least, value| least.min(*value));
    assert_eq!(values[4], loudness.iter().fold(0.0, |most: f32, value| most.max(*value)) - least);
    assert!(table.iter().all(|row| row[1] == 0.0 || (50.0..700.0).contains(&row[1])));
}

#[test]
fn frames_of_all_sets_lie_at_the_same_place() {
    for rate in [8000, 11_025, 16_000, 44_100] {
        let [egemaps, compare] = BaseSet::ALL.map(|of| of.frame_times(rate).unwrap());
        assert_eq!(egemaps, compare);
        let mut extractors = BaseSet::ALL.map(|of| named(of).extractor(rate).unwrap());
        for samples in [1, 100, 661, 662, 663, 1000, 3000, 9001] {
            let [a, b] = extractors.each_mut().map(|it| it.descriptors(&voice(samples, rate)).unwrap().frames());
            assert_eq!(a, b, "{rate} {samples}");
        }
    }
}

#[test]
fn without_a_voice_nothing_is_said_of_it() {
    let own = set(BaseSet::ALL.map(|of| group(of, &["*"], &["*"], SeenFrames::Voiced)).to_vec());
    let values = extractor(&own).extract_samples(&vec![0.0; 16_000]).unwrap();
    assert_eq!(values, vec![0.0; 155 * 60]);
}

#[test]
fn all_names_are_unlike_and_that_is_the_largest_set() {
    let groups = BaseSet::ALL.map(|of| SeenFrames::ALL.map(|frames| group(of, &["*"], &["*"], frames)));
    let own = set(groups.concat());
    let columns = own.columns(16_000).unwrap();
    assert_eq!((columns.len(), own.descriptor_names().unwrap().len()), (18_600, 155));
    assert_eq!(columns.iter().collect::<BTreeSet<_>>().len(), 18_600);
}

#[test]
fn sets_survive_toml_and_json_and_rests_are_written_out() {
    let text = "set = 'own'\n[[groups]]\nof = 'compare-2016'\ndescriptors = ['mfcc_sma[1*', 'F0final_sma']\n\
                functionals = ['linregc*']\n";
    let own: FeatureSet = toml::from_str(text).unwrap();
    let toml = toml::to_string(&own).unwrap();
    assert!(toml.contains("\"linregc2\"") && toml.contains("\"mfcc_sma[14]\"") && !toml.contains('*'), "{toml}");
    assert!(toml.contains("frames = \"all\""), "{toml}");
    assert_eq!(toml::from_str::<FeatureSet>(&toml).unwrap(), own);
    let json = serde_json::to_string(&own).unwrap();
    assert_eq!(serde_json::from_str::<FeatureSet>(&json).unwrap(), own, "{json}");
    assert_eq!((own.name(), own.shape(16_000).unwrap().len()), ("own", 7 * 2));
}

#[test]
fn sets_that_err_say_where() {
    let good = "of = 'compare-2016'\ndescriptors = ['F0final_sma']\nfunctionals = ['amean']\n";
    for (from, to, hint) in [
        (
            "'compare-2016'",
            "'compare'",
            "group 2: parameter `of` is \"compare\", expected \"egemaps-v02\" or \"compare-2016\"",
        ),
        ("of = 'compare-2016'", "", "group 2: parameter `of` is missing"),
        ("F0final_sma", "F0finl_sma", "group 2: unknown descriptor `F0finl_sma`: did you mean `F0final_sma`?"),
        ("F0final_sma", "loud*", "group 2: unknown descriptor `loud*`"),
        ("F0final_sma", "*_de", "group 2: unknown descriptor `*_de`"),
        ("amean", "mean", "group 2: unknown functional `mean`: did you mean `amean`?"),
        ("['amean']", "[]", "group 2: parameter `functionals` is an empty list"),
        ("['F0final_sma']", "[]", "group 2: parameter `descriptors` is an empty list"),
        ("['F0final_sma']", "'F0final_sma'", "group 2: parameter `descriptors` is \"F0final_sma\", expected a list"),
        ("['amean']", "['amean', 3]", "group 2: parameter `functionals` is 3, expected a text"),
        ("['amean']", "['amean', 'a*']", "group 2: the functional `amean` comes twice"),
        (
            "['amean']",
            "['stddev']\nframe = 'all'",
            "group 2: unknown key `frame` in feature set `own`: did you mean `frames`?",
        ),
        ("['amean']", "['stddev']\nframes = 'unvoiced'", "`frames` is \"unvoiced\", expected \"all\" or \"voiced\""),
        ("['amean']", "['stddev']\nframes = [1]", "`frames` is a list, expected a text"),
        ("['amean']", "['stddev', 'amean']", "group 2: the value `F0final_sma_amean` comes twice"),
    ] {
        let text = format!("set = 'own'\n[[groups]]\n{good}[[groups]]\n{}", good.replace(from, to));
        let error = toml::from_str::<FeatureSet>(&text).unwrap_err().to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
    for (text, hint) in [
        ("groups = []", "`groups` is an empty list"),
        ("groups = 3", "`groups` is 3, expected a list of tables"),
        ("groups = ['F0']", "`groups` is a list with \"F0\", expected a list of tables"),
        ("groups = {of = 'compare-2016'}", "`groups` is a table"),
        ("group = []", "unknown key `group` in feature set `own`: did you mean `groups`?"),
    ] {
        let error = toml::from_str::<FeatureSet>(&format!("set = 'own'\n{text}")).unwrap_err().to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
    let low = set(vec![group(BaseSet::Egemaps, &["*"], &["amean"], SeenFrames::All)]).extractor(4000);
    assert!(matches!(low, Err(FeatureError::SampleRate { .. })));
}
