//! `GET /integrations/3cx/{integration_id}/template.xml`: the CRM template, for whoever may see the integration.

use crate::{
    dialects::{
        AppState,
        threecx::{IntegrationId, ThreecxError, crm_template},
    },
    portal::{PageContext, PageError},
};
use ::http::{HeaderValue, header};
use warp::{Reply, reply::Response};

/// Answers with the file.
///
/// # Errors
/// No such integration, or another account's.
pub async fn show(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let id = IntegrationId::from_text(v.segment());
    let integration = state.threecx.find(&id, v.scope()?).await.map_err(|e| match e {
        ThreecxError::Store(e) => e.into(),
        _ => PageError::NotFound,
    })?;
    let mut response = crm_template::render(&integration, &v.base_url).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    let file = HeaderValue::from_static("attachment; filename=\"wa-gateway-3cx.xml\"");
    headers.insert(header::CONTENT_DISPOSITION, file);
    Ok(response)
}
