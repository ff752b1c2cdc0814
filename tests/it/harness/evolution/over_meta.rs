//! The server's mode WHATSAPP-BUSINESS, as version 2.3.7 was seen to answer in front of a stand-in for Meta.

use super::{
    super::clock::TestClock,
    Instance, KeptUpload,
    routes::{Answer, bad_request, says, taken, whole_key},
};
use serde_json::{Value, json};

const NO_METHOD: &str = "Method not available on WhatsApp Business API";

/// What it answers otherwise than for a phone; none: as it does there.
pub fn answer(instance: &mut Instance, clock: &TestClock, method: &str, rest: &[&str], body: &Value) -> Option<Answer> {
    Some(match (method, rest) {
        // Its error stands at the top here alone.
        ("POST", ["chat", "whatsappNumbers"]) => {
            says("400 Bad Request", json!({"status": 400, "error": "Bad Request", "message": [NO_METHOD]}))
        }
        ("GET", ["group", "fetchAllGroups"])
        | ("POST", ["chat", "markMessageAsRead" | "updateMessage"] | ["message", "sendSticker"])
        | ("DELETE", ["chat", "deleteMessageForEveryone"]) => bad_request(json!(NO_METHOD)),
        // Closed, it stays so until the server is started anew.
        ("GET", ["instance", "connect"]) if instance.state == "close" => says("200 OK", json!({})),
        ("DELETE", ["instance", "logout"]) if instance.state != "close" => {
            instance.state = "close".into();
            says("200 OK", json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance logged out"}}))
        }
        ("POST", ["chat", "getBase64FromMediaMessage"]) => base64(instance, &body["message"]),
        ("POST", ["message", what]) => send(instance, clock, what, body),
        _ => return None,
    })
}

/// It looks nothing up: what is asked must hold what Meta told.
fn base64(instance: &Instance, message: &Value) -> Answer {
    let Some(kind) = message["messageType"].as_str() else {
        return bad_request(json!("TypeError: Cannot read properties of undefined (reading 'includes')"));
    };
    let file = &message["message"][kind];
    match file["id"].as_str().and_then(|id| instance.files.get(id)) {
        Some(base64) => says(
            "201 Created",
            json!({"mediaType": kind, "fileName": file["filename"], "size": {}, "mimetype": file["mime_type"], "base64": base64}),
        ),
        None => bad_request(json!("AxiosError: Request failed with status code 400")),
    }
}

fn send(instance: &mut Instance, clock: &TestClock, what: &str, asked: &Value) -> Answer {
    let id = format!("wamid.{:016X}", instance.sent.len() + 1);
    let (number, text) = match what {
        "sendText" => (&asked["number"], asked["text"].as_str()),
        "sendReaction" => match whole_key(&asked["key"]) {
            Ok(()) => (&asked["key"]["remoteJid"], asked["reaction"].as_str()),
            Err(missing) => return bad_request(json!([format!("key requires property {missing:?}")])),
        },
        "sendMedia" => (&asked["number"], Some(asked["caption"].as_str().unwrap_or_default())),
        "sendWhatsAppAudio" => (&asked["number"], Some("")),
        _ => return bad_request(json!(NO_METHOD)),
    };
    let Some((number, text)) = number.as_str().zip(text) else {
        return bad_request(json!(["instance requires property \"text\""]));
    };
    match what {
        "sendMedia" => match upload(asked) {
            Some(upload) => instance.uploads.push(upload),
            None => return bad_request(json!("TypeError: t.mimetype?.startsWith is not a function")),
        },
        "sendWhatsAppAudio" => instance.uploads.push(KeptUpload { name: "1.mp3".into(), ending: "mp3".into() }),
        _ => {}
    }
    // Meta is asked for the digits.
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let mut answer = taken(instance, clock, &digits, text, &id);
    answer.as_object_mut().expect("an object").retain(|name, _| name != "pushName" && name != "contextInfo");
    says("201 Created", answer)
}

/// A file's type is that of its name's ending; pictures and films without a name get one, whatever they are.
fn upload(asked: &Value) -> Option<KeptUpload> {
    let name = match (asked["fileName"].as_str(), asked["mediatype"].as_str()) {
        (Some(name), _) => name,
        (None, Some("image")) => "image.png",
        (None, Some("video")) => "video.mp4",
        _ => return None,
    };
    let ending = name.rsplit_once('.')?.1;
    Some(KeptUpload { name: name.to_owned(), ending: ending.to_owned() })
}
