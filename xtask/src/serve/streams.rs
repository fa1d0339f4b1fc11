//! Live streams through sockets, many at once, each as fast as speech is spoken.

use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// Seconds of audio in a message.
const BLOCK: f64 = 0.1;

/// The rate at which is spoken.
pub const RATE: u32 = 16_000;

/// An answer that has not come for so long will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of the streams.
pub struct Heard {
    /// Seconds from one answer to the next.
    pub hop: f64,
    /// For every answer, the seconds from the moment when the last of its audio was due to be sent until it was there.
    pub lags: Vec<f64>,
    /// Answers that should have come and did not.
    pub missing: usize,
}

/// Speaks into so many streams at the same time, all in step, which is the hardest for the server.
pub fn speak(address: &str, streams: usize, samples: &[u8]) -> anyhow::Result<Heard> {
    let samples: Arc<[u8]> = samples.into();
    // All are connected before the first says a word.
    let together = Arc::new(Barrier::new(streams));
    let speakers: Vec<_> = (0..streams)
        .map(|_| {
            let (address, samples, together) = (address.to_owned(), Arc::clone(&samples), Arc::clone(&together));
            spawn(move || {
                let opened = open(&address);
                together.wait();
                let (socket, hop) = opened?;
                Ok::<_, anyhow::Error>((hop, converse(socket, &samples)?))
            })
        })
        .collect();
    let mut heard = Heard { hop: 0.0, lags: Vec::new(), missing: 0 };
    for speaker in speakers {
        let (hop, lags) = speaker.join().unwrap_or_else(|_| bail!("a speaker panicked"))?;
        // Rounded before it is cut off: 0.1 and 0.5 are not what they seem.
        let expected = (samples.len() as f64 / f64::from(2 * RATE) / hop + 1e-6).floor() as usize;
        heard.hop = hop;
        heard.missing += expected.saturating_sub(lags.len());
        heard.lags.extend(lags);
    }
    Ok(heard)
}

/// A stream that is ready to hear, and its hop in seconds.
fn open(address: &str) -> anyhow::Result<(WebSocket<TcpStream>, f64)> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/v1/stream"), stream).context("no stream")?;
    socket.send(Message::text(json!({ "type": "start", "sample_rate": RATE }).to_string()))?;
    let ready = hear(&mut socket)?;
    match (ready["type"].as_str(), ready["hop"].as_f64()) {
        (Some("ready"), Some(hop)) => Ok((socket, hop)),
        _ => bail!("the server said {ready}"),
    }
}

/// Speaks, and hears the answers meanwhile; gives the lag of each.
fn converse(mut mouth: WebSocket<TcpStream>, samples: &[u8]) -> anyhow::Result<Vec<f64>> {
    // Nothing but answers comes from now on, and nothing has come yet, so that the socket can be had from both ends.
    let mut ear = WebSocket::from_raw_socket(mouth.get_ref().try_clone()?, Role::Client, None);
    let begin = Instant::now();
    let listener = spawn(move || -> anyhow::Result<Vec<f64>> {
        let mut lags = Vec::new();
        loop {
            let answer = hear(&mut ear)?;
            let now = begin.elapsed().as_secs_f64();
            match answer["type"].as_str() {
                Some("partial") => lags.push(now - answer["end"].as_f64().context("an answer without an end")?),
                Some("final") => return Ok(lags),
                _ => bail!("the server said {answer}"),
            }
        }
    });
    let size = (BLOCK * f64::from(RATE)) as usize * 2;
    for (number, block) in (1..).zip(samples.chunks(size)) {
        // Audio can be sent once it was spoken.
        sleep(Duration::from_secs_f64(BLOCK * f64::from(number)).saturating_sub(begin.elapsed()));
        mouth.send(Message::binary(block.to_vec()))?;
    }
    mouth.send(Message::text(json!({ "type": "stop" }).to_string()))?;
    listener.join().unwrap_or_else(|_| bail!("a listener panicked"))
}

fn hear(socket: &mut WebSocket<TcpStream>) -> anyhow::Result<Value> {
    loop {
        match socket.read().context("the stream broke")? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(frame) => bail!("the server closed the stream: {frame:?}"),
            _ => {}
        }
    }
}
