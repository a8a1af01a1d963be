//! Heads of requests and responses: what of them tells where the message ends and what it was.

use std::mem::MaybeUninit;

use super::body::{Body, CHUNKED};
use super::h2c;

/// Header fields that a head may have at most, to be understood.
pub(super) const FIELDS: usize = 128;

/// What bytes turned out to be.
pub enum Parsed<T> {
    /// A head whose end is still to come.
    Partial,
    /// A head, and its length in bytes.
    Head(usize, T),
    /// No HTTP/1.1.
    Foreign,
}

/// A request's head.
pub struct Request {
    pub method: String,
    pub path: String,
    /// The header fields as they came, as text, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The trace id of its `traceparent` (W3C Trace Context, section 3.2).
    pub trace: Option<String>,
    pub body: Body,
    /// Its body comes when the caller is told to go on (`Expect: 100-continue`, RFC 9110, section 10.1.1).
    pub expects: bool,
    /// The connection ends with the answer.
    pub last: bool,
}

/// A response's head.
pub struct Response {
    pub status: u16,
    pub body: Body,
    /// What follows is no HTTP/1.1.
    pub tunnel: bool,
    /// What follows is HTTP/2, if the request asked for it.
    pub switches: bool,
}

/// Parses a request's head.
pub fn request(bytes: &[u8]) -> Parsed<Request> {
    let mut fields = [MaybeUninit::uninit(); FIELDS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut fields) {
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Err(_) => Parsed::Foreign,
        Ok(httparse::Status::Complete(length)) => {
            let fields = &*request.headers;
            let body = match framed(fields) {
                Ok(body) => body.unwrap_or(Body::Empty),
                Err(Unframed) => return Parsed::Foreign,
            };
            let old = request.version == Some(0);
            let says =
                |name, what: &str| value(fields, name).is_some_and(|said| said.to_ascii_lowercase().contains(what));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let head = Request {
                method: request.method.unwrap_or_default().to_owned(),
                path: request.path.unwrap_or_default().to_owned(),
                headers: fields
                    .iter()
                    .map(|field| (field.name.to_ascii_lowercase(), text(field.value)))
                    .collect(),
                trace: value(fields, "traceparent").and_then(trace),
                body,
                expects: !old && says("expect", "100-continue"),
                last: old || says("connection", "close"),
            };
            Parsed::Head(length, head)
        }
    }
}

/// Parses the head of a response to a request of that method.
pub fn response(bytes: &[u8], method: &str) -> Parsed<Response> {
    let mut fields = [MaybeUninit::uninit(); FIELDS];
    let mut response = httparse::Response::new(&mut []);
    match httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Err(_) => Parsed::Foreign,
        Ok(httparse::Status::Complete(length)) => {
            let status = response.code.unwrap_or_default();
            let tunnel = status == 101 || method == "CONNECT" && (200..300).contains(&status);
            let bodiless = tunnel || method == "HEAD" || matches!(status, 100..200 | 204 | 304);
            let body = match framed(response.headers) {
                _ if bodiless => Body::Empty,
                Ok(body) => body.unwrap_or(Body::UntilEnd),
                Err(Unframed) => Body::UntilEnd,
            };
            let switches = status == 101 && value(response.headers, "upgrade").is_some_and(h2c::is_named);
            let head = Response {
                status,
                body,
                tunnel,
                switches,
            };
            Parsed::Head(length, head)
        }
    }
}

/// The fields do not tell where the body ends.
pub(super) struct Unframed;

/// The body that the fields announce, if they do (RFC 9112, section 6.3).
pub(super) fn framed(fields: &[httparse::Header<'_>]) -> Result<Option<Body>, Unframed> {
    if let Some(codings) = value(fields, "transfer-encoding") {
        let last = codings.rsplit(',').next().unwrap_or_default().trim();
        return if last.eq_ignore_ascii_case("chunked") {
            Ok(Some(CHUNKED))
        } else {
            Err(Unframed)
        };
    }
    match value(fields, "content-length").map(|length| length.trim().parse()) {
        None => Ok(None),
        Some(Ok(0)) => Ok(Some(Body::Empty)),
        Some(Ok(length)) => Ok(Some(Body::Length(length))),
        Some(Err(_)) => Err(Unframed),
    }
}

fn value<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let field = fields
        .iter()
        .rev()
        .find(|field| field.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(field.value).ok()
}

/// `00-<trace id>-<parent id>-<flags>`
pub fn trace(parent: &str) -> Option<String> {
    let id = parent.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(text: &str, method: &str) -> Body {
        let Parsed::Head(_, head) = response(text.as_bytes(), method) else {
            panic!("{text:?} is a whole head")
        };
        head.body
    }

    #[test]
    fn a_response_ends_where_its_method_status_and_fields_say() {
        assert_eq!(
            body_of("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "GET"),
            Body::Length(7)
        );
        assert_eq!(
            body_of("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD"),
            Body::Empty
        );
        assert_eq!(
            body_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "GET"),
            Body::Empty
        );
        assert_eq!(body_of("HTTP/1.1 204 No Content\r\n\r\n", "GET"), Body::Empty);
        assert_eq!(
            body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET"),
            CHUNKED
        );
        assert_eq!(body_of("HTTP/1.1 200 OK\r\n\r\n", "GET"), Body::UntilEnd);
    }
}
