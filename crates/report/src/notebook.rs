//! A Jupyter notebook that draws a run's analyses anew.

use serde_json::{Value, json};
use stimmung::SavedRun;

use crate::ReportError;
use crate::markdown::escaped;
use crate::story::results::Results;

/// The cells as a script: `# %%` begins a cell of code, `# %% [markdown]` one of text.
const CELLS: &str = include_str!("../templates/notebook.py");

/// A notebook (nbformat 4.5) that reads the files of the run in the folder `place`, as a path from where the notebook will be run, and
/// draws its analyses anew with pandas and matplotlib.
///
/// # Errors
/// [`ReportError::Evaluation`] for a run whose answers cannot be counted.
pub fn notebook(run: &SavedRun, place: &str) -> Result<Value, ReportError> {
    let title = format!("{} on {}", run.summary.name, run.summary.corpus);
    let summary = Results::of(run)?.summary();
    // From the last to the first, so that nothing is looked for in what was put in. Strings of JSON are strings of Python.
    let script = CELLS
        .replacen("{run}", &Value::from(place).to_string(), 1)
        .replacen("{summary}", &line(&summary), 1)
        .replacen("{title}", &line(&title), 1);
    let cells: Vec<Value> = script.split("\n# %%").enumerate().map(|(number, text)| cell(number, text)).collect();
    Ok(json!({
        "cells": cells,
        "metadata": {
            "kernelspec": { "display_name": "Python 3", "language": "python", "name": "python3" },
            "language_info": { "name": "python" },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }))
}

/// Text that stays on its line and is not taken for markup.
fn line(text: &str) -> String {
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn cell(number: usize, text: &str) -> Value {
    let (head, body) = text.trim_start_matches("# %%").split_once('\n').unwrap_or((text, ""));
    let id = format!("cell-{:02}", number + 1);
    if head.trim() == "[markdown]" {
        // The first mark of each line belongs to the script, the others to the text.
        let text: Vec<&str> = body.trim().lines().map(|line| line.strip_prefix("# ").unwrap_or("")).collect();
        return json!({ "cell_type": "markdown", "id": id, "metadata": {}, "source": source(&text.join("\n")) });
    }
    json!({
        "cell_type": "code",
        "execution_count": null,
        "id": id,
        "metadata": {},
        "outputs": [],
        "source": source(body.trim()),
    })
}

/// Lines with their ends, as notebooks are kept.
fn source(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::run::tests::RUN;

    #[test]
    fn cells_are_those_of_the_script() {
        let mut run = RUN.clone();
        run.summary.name = "# {run} \"*name*\"\n# %%\nimport os".into();
        let notebook = notebook(&run, "a \"folder\"\\").unwrap();
        let cells = notebook["cells"].as_array().unwrap();
        assert_eq!(cells.len(), CELLS.matches("# %%").count());
        assert_eq!((&notebook["nbformat"], &notebook["nbformat_minor"]), (&json!(4), &json!(5)));
        let text = |cell: &Value| {
            cell["source"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<String>()
        };
        assert!(text(&cells[0]).starts_with("# \\# {run} \"\\*name\\*\" \\# %% import os on "), "{}", text(&cells[0]));
        assert!(text(&cells[1]).contains("RUN = Path(\"a \\\"folder\\\"\\\\\")\n"), "{}", text(&cells[1]));
        let mut ids: Vec<&str> = cells.iter().map(|cell| cell["id"].as_str().unwrap()).collect();
        ids.dedup();
        assert_eq!(ids.len(), cells.len());
        assert!(cells.iter().all(|cell| !text(cell).contains("# %%\n") && !text(cell).is_empty()));
    }
}
