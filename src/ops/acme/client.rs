//! How the ACME protocol reaches its authority: through [`Egress`], like every other call out.

use crate::egress::{Bounds, Egress, Outbound};
use crate::model::egress::Use;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::{future::Future, pin::Pin, time::Duration};

/// What one call may cost. A chain of certificates has a few kilobytes.
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(20), max_answer_bytes: 256 * 1024 };

/// The way to the authority.
pub(super) struct AcmeClient(pub(super) Egress);

impl HttpClient for AcmeClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let egress = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let url = head.uri.to_string();
            let headers = head.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let outbound = Outbound { method: head.method, url: &url, headers, body, of: Use::Connectors };
            let answer = egress.send(outbound, BOUNDS).await.map_err(|e| Error::Other(Box::new(e)))?;
            let mut response = Response::new(Full::new(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(BytesResponse::from(response))
        })
    }
}
