use std::fs;

use stimmung::corpus::Recording;

use super::*;

/// Writes two recordings with three columns, the second with a name that needs care.
fn written(format: TableFormat, level: Level) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("table.{}", format.name()));
    let emotions = vec!["anger".to_owned(), "very sad".to_owned()];
    let about = About { title: "a set".to_owned(), level, emotions };
    let mut table = open(format, Some(&path), about).unwrap();
    table.begin(&["a".into(), "F0 in %".into(), "c".into()]).unwrap();
    let labelled =
        |file: &str, emotion: Option<&str>| Recording { emotion: emotion.map(str::to_owned), ..Recording::new(file) };
    let recordings = [labelled("1.wav", Some("very sad")), labelled("it's, 2.wav", None)];
    for (number, recording) in recordings.iter().enumerate() {
        let id = recording.file.to_string_lossy();
        let values = [0.1 + number as f32, -1e-30, f32::MAX];
        let span = (level == Level::Descriptors).then_some((0.25, 0.5));
        table.row(&Row { recording, id: &id, span, values: &values }).unwrap();
        // Nothing is there before it is whole.
        assert!(!path.exists());
    }
    table.finish().unwrap();
    (folder, path)
}

#[test]
fn csv_has_the_names_of_the_columns() {
    let (_folder, path) = written(TableFormat::Csv, Level::Functionals);
    let expected = "file,a,F0 in %,c\n1.wav,0.1,-0.000000000000000000000000000001,340282350000000000000000000000000000000\n\
                    \"it's, 2.wav\",1.1,-0.000000000000000000000000000001,340282350000000000000000000000000000000\n";
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
    let (_folder, path) = written(TableFormat::Csv, Level::Descriptors);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("file,start,end,a,F0 in %,c\n1.wav,0.25,0.5,0.1,"), "{text}");
}

#[test]
fn arff_ends_with_the_class() {
    let (_folder, path) = written(TableFormat::Arff, Level::Descriptors);
    let text = fs::read_to_string(path).unwrap();
    let head = "@relation 'a set'\n\n@attribute name string\n@attribute start numeric\n@attribute end numeric\n\
                @attribute a numeric\n@attribute 'F0 in \\%' numeric\n@attribute c numeric\n\
                @attribute class {anger,'very sad'}\n\n@data\n";
    let (head_found, data) = text.split_at(head.len());
    assert_eq!(head_found, head);
    let lines: Vec<&str> = data.lines().collect();
    assert!(lines[0].starts_with("'1.wav',0.25,0.5,0.1,-0.") && lines[0].ends_with(",'very sad'"), "{data}");
    assert!(lines[1].starts_with("'it\\'s, 2.wav',0.25,0.5,1.1,") && lines[1].ends_with(",?"), "{data}");
}

#[test]
fn npy_is_an_array_with_its_names_beside_it() {
    let (folder, path) = written(TableFormat::Npy, Level::Descriptors);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    let text = std::str::from_utf8(&bytes[10..128]).unwrap();
    assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  "), "{text}");
    assert!(text.ends_with(" \n"));
    let (values, rest) = bytes[128..].as_chunks();
    let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!((values.as_slice(), rest.len()), (&[0.1, -1e-30, f32::MAX, 1.1, -1e-30, f32::MAX][..], 0));
    let [rows, columns] = ["rows.csv", "columns.csv"].map(|ending| path.with_extension(ending));
    assert_eq!(fs::read_to_string(rows).unwrap(), "file,start,end\n1.wav,0.25,0.5\n\"it's, 2.wav\",0.25,0.5\n");
    assert_eq!(fs::read_to_string(columns).unwrap(), "column\na\nF0 in %\nc\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn parquet_reads_back() {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;
    for level in [Level::Functionals, Level::Descriptors] {
        let (_folder, path) = written(TableFormat::Parquet, level);
        let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, [places(level), &["a", "F0 in %", "c"]].concat());
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].get_string(0).unwrap(), "it's, 2.wav");
        let first = places(level).len();
        assert_eq!((rows[1].get_float(first).unwrap(), rows[1].get_float(first + 2).unwrap()), (1.1, f32::MAX));
        if level == Level::Descriptors {
            assert_eq!((rows[0].get_double(1).unwrap(), rows[0].get_double(2).unwrap()), (0.25, 0.5));
        }
    }
}

#[test]
fn tables_that_are_not_finished_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for format in [TableFormat::Csv, TableFormat::Parquet, TableFormat::Npy, TableFormat::Arff] {
        let path = folder.path().join("table").with_extension(format.name());
        let mut table = open(format, Some(&path), About::default()).unwrap();
        table.begin(&["a".into()]).unwrap();
        drop(table);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{format:?}");
    }
    for format in [TableFormat::Parquet, TableFormat::Npy] {
        let error = open(format, None, About::default()).err().unwrap().to_string();
        assert!(error.contains("--out"), "{error}");
    }
}
