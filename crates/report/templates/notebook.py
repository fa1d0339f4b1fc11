# %% [markdown]
# # {title}
#
# {summary}
#
# This notebook reads the files of the run and draws its analyses anew with pandas and matplotlib; it needs nothing of Stimmung.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

RUN = Path({run})

# Okabe and Ito's colours, which colour-blind people can tell apart.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#b5618f", "#e69f00", "#56b4e9", "#6b7785"]
plt.rcParams.update({
    "figure.figsize": (9, 4), "figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
})

metrics = json.loads((RUN / "metrics.json").read_text(encoding="utf-8"))
# Speakers and folds may look like numbers ("03"), and a class may be called "NA".
as_text = {"dtype": {"speaker": str, "fold": str, "text": str, "take": str}, "keep_default_na": False, "na_values": [""]}
manifest = pd.read_csv(RUN / "manifest.csv", **as_text)
answers = pd.read_csv(RUN / "predictions.csv", **as_text)
classes = list(answers.columns[5:])
answers["right"] = answers["truth"] == answers["predicted"]
answers["confidence"] = answers[classes].max(axis=1)


def percent(share):
    return f"{100 * share:.1f} %"


def height(rows, least=2.5):
    """The height of a figure with a row for each name."""
    return max(least, 0.3 * rows + 1)


# %% [markdown]
# ## Data

# %%
speakers = manifest["speaker"].nunique() if "speaker" in manifest else 0
display(Markdown(f"{len(manifest)} recordings by {speakers} speakers; {len(metrics['dropped'])} could not be used."))
counts = manifest["emotion"].value_counts().sort_values()
fig, axis = plt.subplots(figsize=(9, height(len(counts))))
axis.barh(counts.index, counts)
axis.bar_label(axis.containers[0], padding=3)
axis.set(xlabel="recordings", title="Recordings by emotion")
plt.show()

# %%
if "seconds" in manifest and manifest["seconds"].notna().any():
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, height(len(counts), 4)), layout="constrained")
    left.hist(manifest["seconds"].dropna(), bins="fd")
    left.set(xlabel="seconds", ylabel="recordings", title="Durations")
    groups = dict(list(manifest.dropna(subset=["seconds"]).groupby("emotion")["seconds"]))
    right.boxplot(list(groups.values()), orientation="horizontal")
    right.set_yticks(range(1, len(groups) + 1), list(groups))
    right.set(xlabel="seconds", title="Durations by emotion")
    plt.show()
else:
    print("The durations of the recordings are not known.")

# %%
if "seconds" in manifest and manifest["seconds"].notna().any() and speakers:
    keys = [key for key in ("speaker", "text") if key in manifest]
    ordered = manifest.dropna(subset=["seconds", "speaker"]).sort_values(keys).reset_index(drop=True)
    fig, axis = plt.subplots()
    for number, (speaker, group) in enumerate(ordered.groupby("speaker")):
        axis.scatter(group.index, group["seconds"], s=12, color=COLOURS[number % len(COLOURS)], label=speaker)
    axis.set(xlabel="recordings, ordered by speaker and sentence", ylabel="seconds", title="Durations by speaker")
    if speakers <= 12:
        axis.legend(title="speaker", loc="upper left", bbox_to_anchor=(1, 1))
    plt.show()

# %% [markdown]
# ## Features

# %%
if (RUN / "projection.json").exists():
    projection = json.loads((RUN / "projection.json").read_text(encoding="utf-8"))
    shares = [percent(share) for share in projection["explained"]]
    x, y = np.array(projection["points"]).T
    for column in ("emotion", "speaker"):
        if column not in manifest or manifest[column].isna().all():
            continue
        fig, axis = plt.subplots(figsize=(8, 6))
        for number, (name, rows) in enumerate(manifest.groupby(column).indices.items()):
            marker = "os^DX"[number // len(COLOURS) % 5]
            axis.scatter(x[rows], y[rows], s=14, marker=marker, color=COLOURS[number % len(COLOURS)], label=name)
        axis.set(xlabel=f"component 1 ({shares[0]} of the variance)", ylabel=f"component 2 ({shares[1]})")
        axis.set_title(f"Principal components of the features, by {column}")
        if manifest[column].nunique() <= 20:
            axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
        plt.show()
else:
    print("The principal components of the features are not kept in this run.")

# %% [markdown]
# ## Results

# %%
interval = metrics["interval"]
table = pd.DataFrame({
    "value": {name: metrics[name] for name in ("uar", "war", "macro_f1")},
    "low": {name: interval[name]["low"] for name in ("uar", "war", "macro_f1")},
    "high": {name: interval[name]["high"] for name in ("uar", "war", "macro_f1")},
    "mean over folds": {name: metrics["over_folds"][name]["mean"] for name in ("uar", "war", "macro_f1")},
}).rename(index={"uar": "UAR (macro recall)", "war": "WAR (accuracy)", "macro_f1": "macro-F1"})
display(Markdown(f"Judged by {metrics['protocol']}. Intervals: {interval['uar']['method']}."))
for leak in metrics["leaks"]:
    display(Markdown(f"**Better than for new voices:** {leak}."))
# What the files say is counted again from the answers.
assert abs(answers["right"].mean() - metrics["war"]) < 1e-9
display(table.style.format("{:.3f}"))

# %%
folds = pd.DataFrame(metrics["folds"])
display(folds[["name", "trained_on", "recordings", "uar", "war", "macro_f1"]].style.format(precision=3).hide())

# %%
matrix = pd.crosstab(answers["truth"], answers["predicted"]).reindex(index=classes, columns=classes, fill_value=0)
shown = {
    "recordings": (matrix, "{:.0f}"),
    "by row: recall, per cent": (100 * matrix.div(matrix.sum(axis=1).replace(0, np.nan), axis=0), "{:.0f}"),
    "by column: precision, per cent": (100 * matrix.div(matrix.sum(axis=0).replace(0, np.nan), axis=1), "{:.0f}"),
}
side = max(5, 0.55 * len(classes) + 2)
for title, (values, form) in shown.items():
    fig, axis = plt.subplots(figsize=(side + 1, side))
    axis.imshow(values.fillna(0), cmap="Blues")
    half = np.nanmax(values.to_numpy()) / 2
    if len(classes) <= 20:
        for row, column in np.argwhere(matrix.to_numpy() > 0):
            value = values.iloc[row, column]
            axis.text(column, row, form.format(value), ha="center", va="center", color="white" if value > half else "black")
    axis.set_xticks(range(len(classes)), classes, rotation=90)
    axis.set_yticks(range(len(classes)), classes)
    axis.set(xlabel="answer", ylabel="truth", title=f"Confusion matrix, {title}")
    plt.show()

# %%
recall = matrix.to_numpy().diagonal() / matrix.sum(axis=1).replace(0, np.nan)
precision = matrix.to_numpy().diagonal() / matrix.sum(axis=0).replace(0, np.nan)
by_emotion = pd.DataFrame({"recall": recall, "precision": precision, "F1": 2 * recall * precision / (recall + precision)})
axis = by_emotion[::-1].plot.barh(figsize=(9, height(3 * len(classes))), width=0.8, xlim=(0, 1))
axis.set(xlabel="", ylabel="", title="Recall, precision and F1 by emotion")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
display(by_emotion.style.format("{:.3f}"))

# %% [markdown]
# ## How sure the answers are

# %%
sure = answers[answers["confidence"] >= 0.5]
text = f"{percent(len(sure) / len(answers))} of the answers are at least 50 % sure"
display(Markdown(text + (f"; of these, {percent(sure['right'].mean())} are right." if len(sure) else ".")))
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
parts = [answers.loc[answers["right"], "confidence"], answers.loc[~answers["right"], "confidence"]]
left.hist(parts, bins=np.linspace(0, 1, 21), stacked=True, label=["right", "wrong"], color=[COLOURS[2], COLOURS[1]])
left.legend()
left.set(xlabel="confidence", ylabel="answers", title="Confidence")
thresholds = np.linspace(0, 1, 101)
above = [answers["confidence"] >= threshold for threshold in thresholds]
right.plot(thresholds, [answers.loc[mask, "right"].mean() if mask.any() else np.nan for mask in above], label="accuracy of these")
right.plot(thresholds, [mask.mean() for mask in above], "--", color=COLOURS[6], label="share of all answers")
right.legend(loc="lower left")
right.set(xlabel="answers that are at least so sure", ylim=(0, 1.02), title="Accuracy above a threshold")
plt.show()

# %% [markdown]
# ## Where it fails

# %%
# Answers name files relative to the corpus; the manifest may name them in full.
known = manifest.drop(columns=["speaker"], errors="ignore").copy()
paths = known["file"].str.replace("\\", "/")
ids = answers["file"].str.replace("\\", "/")
known["key"] = paths
answers["key"] = ids
if not ids.isin(set(paths)).all():
    endings = {path: path.split("/") for path in paths}
    depth = ids.str.count("/").max() + 1
    known["key"] = ["/".join(endings[path][-depth:]) for path in paths]
# The manifest may hold pieces of one file, and answers be for copies: each answer stays one row.
told = answers.merge(known.drop_duplicates("key"), on="key", how="left", suffixes=("", "_of_manifest"))


def accuracy_by(column, title):
    if column not in told or told[column].notna().sum() == 0:
        print(f"{title}: the corpus does not tell.")
        return
    groups = told.groupby(column)["right"].agg(["mean", "size"])[::-1]
    fig, axis = plt.subplots(figsize=(9, height(len(groups))))
    axis.barh([f"{name} ({size})" for name, size in zip(groups.index, groups["size"])], groups["mean"])
    axis.axvline(told["right"].mean(), color="black", linestyle="--", linewidth=1)
    axis.set(xlim=(0, 1), xlabel="accuracy", title=title)
    plt.show()


accuracy_by("speaker", "Accuracy by speaker")
accuracy_by("sex", "Accuracy by the speaker's sex")
accuracy_by("text", "Accuracy by sentence")

# %%
if "seconds" in told and told["seconds"].nunique() > 1 and told["right"].nunique() > 1:
    correlation = told["right"].astype(float).corr(told["seconds"])
    display(Markdown(f"Correlation of a right answer with the recording's duration: {correlation:.2f}."))
    if "text" in told and told["text"].nunique() > 2:
        sentences = told.groupby("text").agg(accuracy=("right", "mean"), seconds=("seconds", "median"))
        display(Markdown(f"Correlation of a sentence's accuracy with its length: {sentences.corr().iloc[0, 1]:.2f}."))
        axis = sentences.plot.scatter("seconds", "accuracy", s=40, ylim=(0, 1.02), color=COLOURS[0])
        axis.set(xlabel="median duration of the sentence, seconds", title="Accuracy and length of each sentence")
        plt.show()

# %%
wrong = told[~told["right"]].sort_values("confidence", ascending=False)
display(Markdown("The surest errors, worth listening to:"))
display(wrong[["file", "truth", "predicted", "confidence"]].head(10).style.format(precision=3).hide())

# %% [markdown]
# ## How it learnt

# %%
if (RUN / "history.csv").exists():
    history = pd.read_csv(RUN / "history.csv", **as_text)
    measured = [name for name in ("loss", "validation_loss", "accuracy", "watched_accuracy") if history[name].notna().any()]
    for name in measured:
        fig, axis = plt.subplots()
        for fold, steps in history.groupby("fold", sort=False):
            axis.plot(steps["step"], steps[name], linewidth=1.2, label=fold)
        axis.set(xlabel="step", title=name.replace("_", " ") + " by fold")
        if name.endswith("loss"):
            axis.set_yscale("log")
        if history["fold"].nunique() <= 12:
            axis.legend(title="fold", loc="upper left", bbox_to_anchor=(1, 1))
        plt.show()
else:
    print("This kind of model does not tell how it learns.")

# %%
timing = RUN / "timing.json"
if timing.exists():
    display(pd.Series(json.loads(timing.read_text(encoding="utf-8"))).to_frame("time taken"))
