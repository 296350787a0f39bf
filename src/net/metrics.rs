//! The metrics door: the least of HTTP that Prometheus needs.

/// Whether the head of a request is there. What may follow it is not wanted.
pub(super) fn is_whole(request: &[u8]) -> bool {
    let ends = |end: &[u8]| request.windows(end.len()).any(|window| window == end);
    ends(b"\r\n\r\n") || ends(b"\n\n")
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The figures.
    Figures,
    /// Something that is not here.
    Other,
    /// Something that cannot be done here.
    Method,
    /// It is no HTTP.
    Nonsense,
}

/// Reads the first line of a request.
pub(super) fn understand(request: &[u8]) -> Asked {
    let line = request.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let Ok(line) = std::str::from_utf8(line) else {
        return Asked::Nonsense;
    };
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    let [method, target, version] = words[..] else {
        return Asked::Nonsense;
    };
    if !version.starts_with("HTTP/1.") {
        return Asked::Nonsense;
    }
    let path = target.split('?').next().unwrap_or(target);
    match (method, path) {
        ("GET", "/metrics") => Asked::Figures,
        ("GET", _) => Asked::Other,
        _ => Asked::Method,
    }
}

/// An answer; `figures` are there when they were asked for.
pub(super) fn answer(asked: Asked, figures: Option<&str>) -> Vec<u8> {
    let (status, body) = match (asked, figures) {
        (Asked::Figures, Some(figures)) => ("200 OK", figures),
        (Asked::Figures | Asked::Other, _) => ("404 Not Found", "only /metrics is here\n"),
        (Asked::Method, _) => ("405 Method Not Allowed", "only GET is understood\n"),
        (Asked::Nonsense, _) => ("400 Bad Request", "this is no HTTP request\n"),
    };
    let allow = match asked {
        Asked::Method => "Allow: GET\r\n",
        Asked::Figures | Asked::Other | Asked::Nonsense => "",
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\n{allow}Connection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_figures_are_given() {
        for (request, asked) in [
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Asked::Figures),
            ("GET /metrics?a=b HTTP/1.0\n\n", Asked::Figures),
            ("GET / HTTP/1.1\r\n\r\n", Asked::Other),
            ("POST /metrics HTTP/1.1\r\n\r\n", Asked::Method),
            ("GET /metrics HTTP/2\r\n\r\n", Asked::Nonsense),
            ("GET /metrics\r\n\r\n", Asked::Nonsense),
            ("\r\n\r\n", Asked::Nonsense),
        ] {
            assert!(is_whole(request.as_bytes()));
            assert_eq!(understand(request.as_bytes()), asked, "{request}");
        }
        assert_eq!(understand(b"\xff\xfe HTTP/1.1\n\n"), Asked::Nonsense);
        assert!(!is_whole(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"));
        let answer = String::from_utf8(answer(Asked::Figures, Some("a 1\n"))).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("Content-Length: 4\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\na 1\n"), "{answer}");
    }
}
