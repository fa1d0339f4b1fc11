//! Listening to speech while it goes on.

use std::ops::{Deref, Range};

use rayon::prelude::*;
use serde::Serialize;
use stimmung_audio::{AudioError, FRAME_SECONDS, StreamResampler, VoiceActivity, Waveform};

use super::smooth::Path;
use super::{Frame, Segment, Timeline, TimelineParams};
use crate::error::RecordingError;
use crate::listen::{MIN_SECONDS, is_silent};
use crate::pool::Pooled;
use crate::recognizer::most_probable;
use crate::{Error, Recognizer};

/// Share of a frame's own step that must be speech.
const STEP_SHARE: f64 = 0.5;
/// Frames that are judged together, for every thread to have work.
const BATCH: f64 = 32.0;
/// The most seconds that are taken in before what is due is judged; bounds the memory of one push.
const LONGEST_BATCH: f64 = 60.0;

/// Makes a timeline of sound that is still coming in: push samples, take what is new, finish.
///
/// The result is that of [`Recognizer::timeline`], however the samples are cut into blocks. A frame comes when the window around it is over and its
/// speech decided: half a window (1.25 s after the end of the frame's step by default) and about `min_pause` (0.3 s) later. Memory is that of a
/// window, a few seconds of samples and the answers.
///
/// `R` is how the model is held: by reference, or in an [`Arc`](std::sync::Arc) where the listener outlives the call, as on a server.
///
/// ```
/// use std::sync::Arc;
/// use stimmung::Recognizer;
/// use stimmung::timeline::{Listener, TimelineParams};
///
/// let recognizer = Arc::new(Recognizer::embedded()?);
/// let mut listener = Listener::new(Arc::clone(&recognizer), TimelineParams::default(), 48_000)?;
/// let update = listener.push(&[0.0; 48_000])?;
/// assert!(update.frames.iter().all(|frame| !frame.speech));
/// assert_eq!(listener.finish()?.seconds, 1.0);
/// # Ok::<(), stimmung::Error>(())
/// ```
pub struct Listener<R: Deref<Target = Recognizer>> {
    recognizer: R,
    params: TimelineParams,
    source_rate: u32,
    /// Samples taken in, at the rate they came at.
    taken: u64,
    resampler: StreamResampler,
    activity: VoiceActivity,
    /// At the model's rate.
    samples: Kept<f32>,
    /// Whether each frame of voice activity is speech.
    speech: Kept<bool>,
    frames: Vec<Frame>,
    segments: Vec<Segment>,
    /// The labels of the stretch of speech that goes on at the last frame.
    path: Path,
}

/// What became final.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Update {
    /// New frames, in order.
    pub frames: Vec<Frame>,
    /// Segments of stretches of speech that are over.
    pub segments: Vec<Segment>,
}

/// A frame to be made.
struct Task {
    time: f64,
    /// The samples to judge, counted from the recording's start; none without speech.
    span: Option<Range<usize>>,
}

impl<R: Deref<Target = Recognizer> + Sync> Listener<R> {
    /// Listens to samples at `sample_rate` hertz.
    ///
    /// # Errors
    /// [`Error::Recording`] with [`AudioError::Parameter`] or [`AudioError::SampleRate`].
    pub fn new(recognizer: R, params: TimelineParams, sample_rate: u32) -> Result<Self, Error> {
        let model = recognizer.model();
        let rate = model.front_end.sample_rate;
        let classes = model.classifier.classes().len();
        let make = || -> Result<_, AudioError> {
            params.check()?;
            Ok((StreamResampler::new(sample_rate, rate)?, VoiceActivity::new(params.voice, rate)?))
        };
        let (resampler, activity) = make().map_err(RecordingError::from)?;
        Ok(Self {
            recognizer,
            params,
            source_rate: sample_rate,
            taken: 0,
            resampler,
            activity,
            samples: Kept::default(),
            speech: Kept::default(),
            frames: Vec::new(),
            segments: Vec::new(),
            path: Path::new(classes, params.hop, params.smoothing),
        })
    }

    /// Seconds taken in so far.
    pub fn seconds(&self) -> f64 {
        self.taken as f64 / f64::from(self.source_rate)
    }

    /// Takes samples, nominally within ±1, and returns the frames and segments that became final with them.
    ///
    /// # Errors
    /// [`Error::Recording`] for a sample that is NaN or infinite, and where the model's features cannot be computed. The listener is of no use then.
    pub fn push(&mut self, samples: &[f32]) -> Result<Update, Error> {
        let (frames, segments) = (self.frames.len(), self.segments.len());
        for block in samples.chunks(self.batch()) {
            let before = self.samples.values.len();
            self.resampler.push(block, &mut self.samples.values).map_err(RecordingError::from)?;
            let decided = self.activity.push(&self.samples.values[before..]).map_err(RecordingError::from)?;
            self.speech.values.extend(decided);
            self.taken += block.len() as u64;
            self.work(None)?;
        }
        Ok(Update { frames: self.frames[frames..].to_vec(), segments: self.segments[segments..].to_vec() })
    }

    /// The segment that goes on at the last frame, as far as it can be told now; none in a pause.
    pub fn current(&self) -> Option<Segment> {
        self.open_segments().pop()
    }

    /// The timeline of what was heard so far. The last segments may yet change, and the seconds are those taken in.
    pub fn so_far(&self) -> Timeline {
        let mut segments = self.segments.clone();
        segments.extend(self.open_segments());
        self.assemble(self.frames.clone(), segments)
    }

    /// The timeline, now that nothing more is to come.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<Timeline, Error> {
        let rate = self.recognizer.model().front_end.sample_rate;
        let fresh = || -> Result<_, AudioError> {
            Ok((StreamResampler::new(rate, rate)?, VoiceActivity::new(self.params.voice, rate)?))
        };
        // Both are consumed by their end; what takes their place hears nothing.
        let (resampler, activity) = fresh().map_err(RecordingError::from)?;
        let before = self.samples.values.len();
        std::mem::replace(&mut self.resampler, resampler).finish(&mut self.samples.values);
        let mut last = std::mem::replace(&mut self.activity, activity);
        let decided = last.push(&self.samples.values[before..]).map_err(RecordingError::from)?;
        self.speech.values.extend(decided);
        self.speech.values.extend(last.finish());
        self.work(Some(self.seconds()))?;
        self.close();
        let (frames, segments) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.segments));
        Ok(self.assemble(frames, segments))
    }

    /// Samples that make a batch of frames.
    pub(super) fn batch(&self) -> usize {
        let seconds = (BATCH * self.params.hop).min(LONGEST_BATCH);
        ((seconds * f64::from(self.source_rate)) as usize).max(1)
    }

    /// Makes all frames that are due; all there are, if the recording ended after so many seconds.
    fn work(&mut self, end: Option<f64>) -> Result<(), Error> {
        let mut tasks = Vec::new();
        while let Some(task) = self.due(self.frames.len() + tasks.len(), end) {
            tasks.push(task);
        }
        let judged = |task: Task| -> Result<Frame, Error> {
            let probabilities = match task.span {
                Some(span) => self.judge(span)?,
                None => None,
            };
            Ok(Frame { time: task.time, speech: probabilities.is_some(), probabilities })
        };
        // One frame at a time is not worth a thread pool's attention.
        let frames: Vec<Frame> = if tasks.len() > 1 {
            tasks.into_par_iter().map(judged).collect::<Result<_, _>>()?
        } else {
            tasks.into_iter().map(judged).collect::<Result<_, _>>()?
        };
        for frame in frames {
            match &frame.probabilities {
                Some(probabilities) => self.path.push(probabilities),
                None => self.close(),
            }
            self.frames.push(frame);
        }
        let earliest = (self.middle(self.frames.len()) - self.params.window / 2.0).max(0.0);
        self.samples.forget_before(self.sample_at(earliest));
        self.speech.forget_before(voice_frame(earliest));
        Ok(())
    }

    /// The middle of a frame's step, in seconds.
    fn middle(&self, index: usize) -> f64 {
        (index as f64 + 0.5) * self.params.hop
    }

    fn sample_at(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.recognizer.model().front_end.sample_rate)).round() as usize
    }

    /// The frame of this index, if all that it needs is there.
    fn due(&self, index: usize, end: Option<f64>) -> Option<Task> {
        let TimelineParams { window, hop, speech, .. } = self.params;
        let (start, middle) = (index as f64 * hop, self.middle(index));
        let window = (middle - window / 2.0).max(0.0)..middle + window / 2.0;
        let over = voice_frame(window.end) <= self.speech.end() && self.sample_at(window.end) <= self.samples.end();
        let stop = match end {
            // A step of a billionth of a second is rounding.
            Some(end) if start + 1e-9 >= end => return None,
            Some(end) => (start + hop).min(end),
            None if !over => return None,
            None => start + hop,
        };
        let time = micro(f64::midpoint(start, stop));
        let share = |frames: Range<usize>| {
            let decisions = self.speech.between(frames);
            let spoken = decisions.iter().filter(|&&speech| speech).count();
            if spoken == 0 { 0.0 } else { spoken as f64 / decisions.len() as f64 }
        };
        let heard = voice_frame(window.start)..voice_frame(window.end);
        if share(voice_frame(start)..voice_frame(stop)) < STEP_SHARE || share(heard.clone()) < speech {
            return Some(Task { time, span: None });
        }
        let decisions = self.speech.between(heard.clone());
        let first = decisions.iter().position(|&speech| speech).unwrap_or(0);
        let last = decisions.iter().rposition(|&speech| speech).unwrap_or(0);
        let voice = |frame: usize| self.sample_at((heard.start + frame) as f64 * FRAME_SECONDS);
        let span = voice(first).max(self.sample_at(window.start))..voice(last + 1).min(self.sample_at(window.end));
        Some(Task { time, span: Some(span) })
    }

    /// What the model says of these samples; nothing where it hears nothing.
    fn judge(&self, span: Range<usize>) -> Result<Option<Vec<f32>>, Error> {
        let rate = self.recognizer.model().front_end.sample_rate;
        let samples = self.samples.between(span);
        if (samples.len() as f64) < MIN_SECONDS * f64::from(rate) || is_silent(samples) {
            return Ok(None);
        }
        let piece = Waveform::new(samples.to_vec(), rate).map_err(RecordingError::from)?;
        match self.recognizer.judge(piece) {
            Ok(probabilities) => Ok(Some(probabilities)),
            Err(error) if error.left_nothing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the stretch of speech.
    fn close(&mut self) {
        if self.path.len() > 0 {
            let segments = self.open_segments();
            self.segments.extend(segments);
            let classes = self.recognizer.model().classifier.classes().len();
            self.path = Path::new(classes, self.params.hop, self.params.smoothing);
        }
    }

    /// The segments of the stretch of speech that goes on.
    fn open_segments(&self) -> Vec<Segment> {
        let labels = self.path.labels();
        let mut first = self.frames.len() - labels.len();
        let mut segments = Vec::new();
        for run in labels.chunk_by(|one, next| one == next) {
            segments.push(self.segment(first..first + run.len()));
            first += run.len();
        }
        segments
    }

    fn segment(&self, frames: Range<usize>) -> Segment {
        let classes = self.recognizer.model().classifier.classes();
        let mut pooled = Pooled::new(classes.len());
        for probabilities in self.frames[frames.clone()].iter().filter_map(|frame| frame.probabilities.as_ref()) {
            pooled.add(probabilities, 1.0);
        }
        let probabilities = pooled.probabilities();
        let best = most_probable(&probabilities);
        Segment {
            start: micro(frames.start as f64 * self.params.hop),
            end: micro((frames.end as f64 * self.params.hop).min(self.seconds())),
            label: classes[best].clone(),
            confidence: probabilities[best],
            probabilities: classes.iter().cloned().zip(probabilities).collect(),
        }
    }

    fn assemble(&self, frames: Vec<Frame>, segments: Vec<Segment>) -> Timeline {
        Timeline {
            seconds: micro(self.seconds()),
            hop: self.params.hop,
            window: self.params.window,
            emotions: self.recognizer.model().classifier.classes().to_vec(),
            frames,
            segments,
        }
    }
}

/// The boundary between frames of voice activity that is nearest.
fn voice_frame(seconds: f64) -> usize {
    (seconds / FRAME_SECONDS).round() as usize
}

/// Rounds seconds to microseconds, so that 3 × 0.1 is written as 0.3.
fn micro(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// The end of a sequence, whose beginning is no longer needed.
struct Kept<T> {
    forgotten: usize,
    values: Vec<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { forgotten: 0, values: Vec::new() }
    }
}

impl<T> Kept<T> {
    /// The length of the whole sequence.
    fn end(&self) -> usize {
        self.forgotten + self.values.len()
    }

    fn forget_before(&mut self, index: usize) {
        let count = index.saturating_sub(self.forgotten).min(self.values.len());
        self.values.drain(..count);
        self.forgotten += count;
    }

    /// As much of the range as there is.
    fn between(&self, range: Range<usize>) -> &[T] {
        let place = |index: usize| index.saturating_sub(self.forgotten).min(self.values.len());
        let (start, end) = (place(range.start), place(range.end));
        &self.values[start.min(end)..end]
    }
}
