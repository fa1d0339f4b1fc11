//! A web server that misbehaves on request: it cuts, stalls, lies and refuses.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and one that cannot go on fails")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a client asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    /// How many requests for the same path came before.
    pub number: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where the client wants to go on.
    pub fn start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server sends, and what it does then.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    stall: bool,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: vec![("content-length".into(), "0".into())], body: Vec::new(), stall: false }
    }

    pub fn redirect(to: &str) -> Self {
        Self::status(302).header("location", to)
    }

    /// The whole file, whatever was asked for.
    pub fn whole(file: &[u8], etag: &str) -> Self {
        let length = file.len().to_string();
        Self { body: file.to_vec(), ..Self::status(200).header("content-length", &length).header("etag", etag) }
    }

    /// The bytes from `start` on, as the rest of a file of `total` bytes.
    pub fn rest(file: &[u8], start: usize, etag: &str) -> Self {
        let range = format!("bytes {start}-{}/{}", file.len() - 1, file.len());
        let reply = Self::whole(&file[start..], etag).header("content-range", &range);
        Self { status: 206, ..reply }
    }

    /// What an honest server sends: the rest where the client has the beginning of this very file.
    pub fn honest(request: &Request, file: &[u8], etag: &str) -> Self {
        match request.start() {
            Some(start) if request.header("if-range").is_some_and(|known| known != etag) => {
                assert!(start > 0);
                Self::whole(file, etag)
            }
            Some(start) if start >= file.len() => Self::unsatisfiable(file.len()),
            Some(start) => Self::rest(file, start, etag),
            None => Self::whole(file, etag),
        }
    }

    pub fn unsatisfiable(total: usize) -> Self {
        Self::status(416).header("content-range", &format!("bytes */{total}"))
    }

    /// Sets a header, in place of one of this name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// Sends only so many bytes of the body, and closes the connection.
    pub fn cut(mut self, after: usize) -> Self {
        self.body.truncate(after);
        self
    }

    /// Sends only so many bytes of the body, and then nothing.
    pub fn stall(self, after: usize) -> Self {
        Self { stall: true, ..self.cut(after) }
    }

    /// The same body in chunks, so that no length is promised.
    pub fn chunked(mut self) -> Self {
        let mut body = Vec::new();
        for chunk in self.body.chunks(1000) {
            body.extend(format!("{:x}\r\n", chunk.len()).bytes());
            body.extend(chunk);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        self.body = body;
        self.without("content-length").header("transfer-encoding", "chunked")
    }
}

/// The server runs until the test's process ends.
pub struct Server {
    /// Its address, without a slash at the end.
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, requests) = (Arc::new(answer), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, requests) = (answer.clone(), requests.clone());
                std::thread::spawn(move || {
                    if let Some(request) = read(&stream, &requests) {
                        send(stream, &answer(&request));
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// An honest server of one file at any path.
    pub fn of(file: Vec<u8>) -> Self {
        Self::start(move |request| Reply::honest(request, &file, "\"1\""))
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream, requests: &Mutex<Vec<Request>>) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| Some((line.split_once(": ")?.0.to_lowercase(), line.split_once(": ")?.1.to_owned())))
        .collect();
    let mut requests = requests.lock().unwrap();
    let number = requests.iter().filter(|request| request.path == path).count();
    let request = Request { path, headers, number };
    requests.push(request.clone());
    Some(request)
}

fn send(mut stream: TcpStream, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} Some\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    // A client that has heard enough goes away.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(b"\r\n"));
    let _ = stream.write_all(&reply.body);
    if reply.stall {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let _ = stream.read(&mut [0]);
    }
}
