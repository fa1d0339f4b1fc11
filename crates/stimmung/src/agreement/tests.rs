use std::path::PathBuf;

use super::*;
use stimmung_corpus::Recording;

fn ours(columns: &[&str], rows: &[(&str, &[f32])]) -> Ours {
    let mut ours = Ours::default();
    ours.begin(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>()).unwrap();
    for (id, values) in rows {
        ours.row(&Row { recording: &Recording::new(*id), id, span: None, values }).unwrap();
    }
    ours
}

fn oracle(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("oracle.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn figures_are_those_of_the_differences() {
    let folder = tempfile::tempdir().unwrap();
    let path = oracle(&folder, "file,b,a\nx/2.wav,0.5,20\nx/1.wav,0.5,10\nx/3.wav,0.5,0\n");
    let oracle = Oracle::read_csv(&path).unwrap();
    let ours = ours(&["a", "b"], &[("1.wav", &[11.0, 0.5]), ("2.wav", &[20.0, 0.5]), ("3.wav", &[0.0, 0.5])]);
    let agreement = Agreement::of(&ours, &oracle, Peer::OpenSmile, Level::Functionals).unwrap();
    let [a, b] = &agreement.columns[..] else { panic!("{agreement:?}") };
    assert_eq!((agreement.recordings, agreement.rows, a.column.as_str()), (3, 3, "a"));
    assert!((a.largest - 0.1).abs() < 1e-12 && a.worst == "1.wav" && a.median == 0.0, "{a:?}");
    assert!((a.differ - 1.0 / 3.0).abs() < 1e-12);
    // By hand: 200 / √(200.667 · 200).
    assert!((a.correlation - 0.998_337_5).abs() < 1e-6, "{a:?}");
    assert_eq!((b.correlation, b.largest, b.differ), (1.0, 0.0, 0.0));
    assert_eq!((agreement.correlation(), agreement.largest()), (a.correlation, a.largest));

    // The population's deviation of 0, 10, 20 is 8.165.
    let scaled = Agreement::of(&ours, &oracle, Peer::Librosa, Level::Functionals).unwrap();
    assert!((scaled.columns[0].largest - 1.0 / 8.164_966).abs() < 1e-6, "{scaled:?}");
    let text = scaled.render(Some(1));
    assert!(text.contains("3 recordings, 3 rows, 2 columns") && !text.contains("\nb "), "{text}");
    assert!(text.contains("correlation of at least 0.98: 2 of 2 columns"), "{text}");
    assert!(text.contains("(`a` of 1.wav)"), "{text}");
}

#[test]
fn a_column_that_only_one_side_varies_does_not_agree() {
    assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0)]), 0.0);
    assert_eq!(correlation(&[(1.0, 2.0), (1.0, 2.0)]), 1.0);
    assert!((correlation(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]) + 1.0).abs() < 1e-12);
    assert_eq!(median(&mut [3.0, 1.0, 2.0, 10.0]), 2.5);
    assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&mut []), 0.0);
}

#[test]
fn edges_of_descriptors_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = "file,frame,a\n1.wav,0,1\n1.wav,1,2\n1.wav,2,9\n1.wav,3,9\n1.wav,4,9\n1.wav,5,9\n";
    let oracle = Oracle::read_csv(&oracle(&folder, text)).unwrap();
    let ours = ours(&["a"], &[("1.wav", &[1.0, 2.0, 3.0, 4.0, 5.0])]);
    let agreement = Agreement::of(&ours, &oracle, Peer::OpenSmile, Level::Descriptors).unwrap();
    assert_eq!((agreement.rows, agreement.largest()), (2, 0.0));
    let error = Agreement::of(&ours, &oracle, Peer::Librosa, Level::Descriptors).unwrap_err().to_string();
    assert!(error.contains("1.wav has 6 rows, and ours 5"), "{error}");
}

#[test]
fn recordings_are_found_by_path_or_name() {
    let folder = tempfile::tempdir().unwrap();
    let oracle = Oracle::read_csv(&oracle(&folder, "file,a\nx/1.wav,1\ny/1.wav,2\n/data/2.wav,3\n")).unwrap();
    assert!(oracle.has("x/1.wav") && oracle.has("2.wav") && oracle.has("deep/2.wav"));
    // Two have that name.
    assert!(!oracle.has("1.wav") && !oracle.has("3.wav"));
    assert_eq!(oracle.beside(["x/1.wav", "2.wav"].into_iter()), ["y/1.wav"]);
    assert_eq!(oracle.table("y/1.wav").unwrap(), [2.0]);
}

#[test]
fn tables_that_are_none_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    for (text, words) in [
        ("name,a\nx,1\n", "line 1: there is no column `file`, but `name`, `a`"),
        ("file,frame\nx,1\n", "there are no values"),
        ("file,a\nx,1\ny,one\n", "line 3: `a` is `one`, not a number"),
        ("file,a\nx,NaN\n", "line 2: `a` is `NaN`"),
        ("file,a\nx,1,2\n", "line 2"),
    ] {
        let error = Oracle::read_csv(&oracle(&folder, text)).unwrap_err().to_string();
        assert!(error.contains("oracle.csv") && error.contains(words), "{error}");
    }
    assert!(matches!(Oracle::read_csv(&folder.path().join("none.csv")), Err(Error::Io { .. })));
    let oracle = Oracle::read_csv(&oracle(&folder, "file,p,q,r,s\nx,1,2,3,4\n")).unwrap();
    let agreement = Agreement::of(&ours(&["a", "p"], &[]), &oracle, Peer::Librosa, Level::Functionals);
    let error = agreement.unwrap_err().to_string();
    assert!(error.contains("1 of our 2 columns are missing: `a`; it has `p`, `q`, `r` and 1 more"), "{error}");
    let unknown = Agreement::of(&ours(&["p"], &[("z", &[1.0])]), &oracle, Peer::Librosa, Level::Functionals);
    assert!(unknown.unwrap_err().to_string().contains("there is no row of z"));
}
