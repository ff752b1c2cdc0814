//! A provider's template in a form: which ones can be sent, a field for each of its blanks, what it says with what was
//! typed, and what is to be sent of it. Asked by the pages that send now and that send later.

use super::PageContext;
use crate::{
    connectors::templates::{self, Category, PlaceholderSlot, Slot, SlotKind, TemplateButton},
    gateway::Gateway,
    instances::{
        Instance,
        templates::{KnownTemplate, TemplatePiece, list, pieces},
    },
    model::{file_name, purpose::Purpose},
    sending::request::Draft,
    store::StoreError,
};

/// Longest text for a blank, in characters.
const BLANK_MAX: usize = 1024;
/// Longest code that a button copies, and longest one-time code, in characters.
const CODE_MAX: usize = 15;
/// Longest name of a document, in characters.
const FILE_NAME_MAX: usize = 255;
/// Longest latitude and longitude, in characters: a whole place is a variable, and has room in one.
const DEGREES_MAX: usize = 32;
/// Longest name or address of a place, in characters.
const PLACE_MAX: usize = 256;

/// A template that was chosen, as a form shows it.
pub struct TemplateForm {
    known: KnownTemplate,
    /// `name/language`.
    pub id: String,
    pub fields: Vec<BlankField>,
    /// What stands above the text.
    pub head: Vec<PreviewPart>,
    pub body: Vec<PreviewPart>,
    pub foot: String,
    /// What each button says, and where it leads or what it copies.
    pub buttons: Vec<(String, Vec<PreviewPart>)>,
}

/// An input for a blank, or for a part of one.
pub struct BlankField {
    /// Its id on the page.
    pub key: String,
    /// Its name in the form; those of texts share one.
    pub name: &'static str,
    pub label: String,
    pub value: String,
    /// In characters.
    pub most: usize,
    pub is_needed: bool,
    form: BlankForm,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BlankForm {
    Text,
    /// An address that begins with `https://` or `http://`.
    Address,
    /// A number between this and its negative.
    Degrees(u32),
    /// What a file can be called.
    FileName,
}

/// A part of what is shown.
pub struct PreviewPart {
    pub text: String,
    /// The [`BlankField::key`] of the field that fills it; none: it always says the same.
    pub key: Option<String>,
    /// What stands there while the field is empty.
    pub written: String,
}

impl BlankField {
    /// `url` for the browser's own keyboard and check.
    pub fn kind(&self) -> &'static str {
        if self.form == BlankForm::Address { "url" } else { "text" }
    }

    /// Texts are in any language; the others are read from left to right.
    pub fn dir(&self) -> &'static str {
        if matches!(self.form, BlankForm::Text | BlankForm::FileName) { "auto" } else { "ltr" }
    }

    /// What is wrong with what was typed, in plain words.
    fn problem(&self, v: &PageContext) -> Option<String> {
        let value = self.value.as_str();
        let has_address = value.starts_with("https://") || value.starts_with("http://");
        let degrees = || value.parse::<f64>().ok().filter(|n| n.is_finite());
        match self.form {
            _ if value.is_empty() => self.is_needed.then(|| v.fill("blank.missing", "field", &self.label)),
            _ if value.contains(char::is_control) => Some(v.fill("blank.one_line", "field", &self.label)),
            _ if value.chars().count() > self.most => {
                Some(v.fill_all("blank.too_long", &[("n", &v.number(self.most)), ("field", &self.label)]))
            }
            BlankForm::Address if !has_address => Some(v.fill("blank.no_address", "field", &self.label)),
            BlankForm::Degrees(most) if degrees().is_none_or(|n| n.abs() > f64::from(most)) => {
                Some(v.fill_all("blank.no_degrees", &[("n", &v.number(most)), ("field", &self.label)]))
            }
            BlankForm::FileName if file_name::clean(value).is_none() => {
                Some(v.fill("blank.no_file_name", "field", &self.label))
            }
            _ => None,
        }
    }
}

/// The templates among these that can be sent now.
pub fn offered(all: &[KnownTemplate]) -> Vec<&KnownTemplate> {
    all.iter().filter(|known| known.is_ready()).collect()
}

/// What a form asks to be sent of the template that its field `template` names, or what is wrong with it in plain words;
/// none: it names none.
pub async fn draft(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
) -> Result<Option<Result<Draft<String>, String>>, StoreError> {
    let Some(chosen) = v.form.some("template") else { return Ok(None) };
    let id = instance.id.clone();
    let all = gateway.store.read(move |tx| list(tx, &id)).await?;
    Ok(Some(match TemplateForm::of(v, &offered(&all), chosen) {
        Some(form) => form.draft(v),
        None => Err(v.t("chat.no_template").to_owned()),
    }))
}

/// Whether a form has this purpose chosen: as it was sent, else what the template is for.
pub fn is_purpose(v: &PageContext, chosen: Option<&TemplateForm>, purpose: &str) -> bool {
    match v.form.some("purpose") {
        Some(sent) => sent == purpose,
        None => chosen.is_some_and(TemplateForm::is_code) && purpose == Purpose::Authentication.as_str(),
    }
}

/// `name/language`, as a form names a template.
pub fn id_of(known: &KnownTemplate) -> String {
    format!("{}/{}", known.template.name, known.template.language)
}

impl TemplateForm {
    /// The form for one of the templates that are offered, with what was typed into it; none: that is none of them.
    pub fn of(v: &PageContext, offered: &[&KnownTemplate], id: &str) -> Option<Self> {
        let known = (*offered.iter().find(|known| id_of(known) == id)?).clone();
        let mut form = Self {
            id: id_of(&known),
            fields: fields(v, &known),
            head: Vec::new(),
            body: Vec::new(),
            foot: String::new(),
            buttons: Vec::new(),
            known,
        };
        form.show(v);
        Some(form)
    }

    /// Its name, and its language's code.
    pub fn name(&self) -> (&str, &str) {
        (&self.known.template.name, &self.known.template.language)
    }

    /// Whether it is for one-time codes.
    pub fn is_code(&self) -> bool {
        self.known.category == Some(Category::Authentication)
    }

    /// What is to be sent, as it was filled in.
    ///
    /// # Errors
    /// What is wrong with each field, in plain words.
    pub fn draft(&self, v: &PageContext) -> Result<Draft<String>, String> {
        let wrong: Vec<String> = self.fields.iter().filter_map(|field| field.problem(v)).collect();
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let (name, language) = self.name();
        let slots = self.known.slots.as_deref().unwrap_or_default();
        let mut texts = self.fields.iter().filter(|field| field.name == "variable").map(|field| field.value.clone());
        let is_place = |slot: &Slot| slot.media == Some(SlotKind::Location);
        let variables: Vec<String> =
            slots.iter().filter_map(|slot| if is_place(slot) { Some(self.place()) } else { texts.next() }).collect();
        if templates::misfit(self.known.category, slots, &variables).is_some() {
            return Err(v.t("chat.fill_template").to_owned());
        }
        let file_name = file_name::clean(self.value("file_name"));
        Ok(Draft::Template { name: name.to_owned(), language: language.to_owned(), variables, file_name })
    }

    /// The place at its head, as a variable says it.
    fn place(&self) -> String {
        // A semicolon ends the name.
        let name = self.value("place_name").replace(';', ",");
        let parts = [format!("{}, {}", self.value("latitude"), self.value("longitude")), name];
        [parts.join("; ").as_str(), self.value("place_address")].join("; ")
    }

    fn value(&self, key: &str) -> &str {
        self.fields.iter().find(|field| field.key == key).map_or("", |field| &field.value)
    }

    /// Fills in what is shown.
    fn show(&mut self, v: &PageContext) {
        let slots = self.known.slots.clone().unwrap_or_default();
        let frame = self.known.frame.clone().unwrap_or_default();
        self.body = self.parts(self.known.body.as_deref().unwrap_or_default(), PlaceholderSlot::Body, &slots);
        self.foot = frame.footer.unwrap_or_default();
        let media = slots.iter().position(|slot| slot.place == PlaceholderSlot::Header && slot.media.is_some());
        self.head = match media.and_then(|at| Some((at, slots[at].media?))) {
            None => self.parts(frame.header.as_deref().unwrap_or_default(), PlaceholderSlot::Header, &slots),
            Some((_, SlotKind::Location)) => vec![
                plain(&format!("{}: ", v.word("kind", SlotKind::Location))),
                self.blank("latitude", "…"),
                plain(", "),
                self.blank("longitude", "…"),
                plain("\n"),
                self.blank("place_name", ""),
                plain(" "),
                self.blank("place_address", ""),
            ],
            Some((at, kind)) => vec![plain(&format!("{}: ", v.word("kind", kind))), self.blank(&key_of(at), "…")],
        };
        let buttons = frame.buttons.iter().enumerate();
        self.buttons = buttons.map(|(at, button)| self.button(v, at, button, &slots)).collect();
    }

    fn button(
        &self,
        v: &PageContext,
        at: usize,
        button: &TemplateButton,
        slots: &[Slot],
    ) -> (String, Vec<PreviewPart>) {
        let place = PlaceholderSlot::Button(u8::try_from(at).unwrap_or(u8::MAX));
        let says = if button.text.is_empty() { v.t("blank.copy").to_owned() } else { button.text.clone() };
        let code = slots.iter().position(|slot| slot.place == place && slot.media == Some(SlotKind::CouponCode));
        let leads = match (code, &button.url) {
            (Some(at), _) => vec![self.blank(&key_of(at), "…")],
            (None, Some(url)) if button.kind == "url" && !self.is_code() => self.parts(url, place, slots),
            _ => Vec::new(),
        };
        (says, leads)
    }

    fn parts(&self, text: &str, place: PlaceholderSlot, slots: &[Slot]) -> Vec<PreviewPart> {
        let part = |piece| match piece {
            TemplatePiece::Said(text) => plain(text),
            TemplatePiece::Blank { slot, written } => self.blank(&key_of(slot), written),
        };
        pieces(text, place, slots).into_iter().map(part).collect()
    }

    fn blank(&self, key: &str, written: &str) -> PreviewPart {
        let value = self.value(key);
        let text = if value.is_empty() { written } else { value };
        PreviewPart { text: text.to_owned(), key: Some(key.to_owned()), written: written.to_owned() }
    }
}

fn plain(text: &str) -> PreviewPart {
    PreviewPart { text: text.to_owned(), key: None, written: String::new() }
}

fn key_of(slot: usize) -> String {
    format!("blank-{slot}")
}

/// An input for each blank. A one-time code is typed once, although it stands in the text and in a button.
fn fields(v: &PageContext, known: &KnownTemplate) -> Vec<BlankField> {
    let slots = known.slots.as_deref().unwrap_or_default();
    let is_code = known.category == Some(Category::Authentication) && slots.len() == 2;
    let mut typed = v.form.all("variable");
    let mut all = Vec::new();
    for (at, slot) in slots.iter().enumerate() {
        match slot.media {
            Some(SlotKind::Location) => all.extend(place(v)),
            _ if is_code && at > 0 => {}
            _ => {
                let value = typed.next().unwrap_or_default().trim().to_owned();
                let label = label(v, known, at, is_code);
                let (most, form) = match slot.media {
                    None if is_code => (CODE_MAX, BlankForm::Text),
                    None => (BLANK_MAX, BlankForm::Text),
                    Some(SlotKind::CouponCode) => (CODE_MAX, BlankForm::Text),
                    Some(_) => (BLANK_MAX, BlankForm::Address),
                };
                all.push(BlankField { key: key_of(at), name: "variable", label, value, most, is_needed: true, form });
            }
        }
        if slot.media == Some(SlotKind::Document) {
            all.push(typed_field(v, "file_name", v.t("blank.file_name"), (FILE_NAME_MAX, false, BlankForm::FileName)));
        }
    }
    all
}

fn place(v: &PageContext) -> [BlankField; 4] {
    let degrees = |name, label, most| {
        let mut field = typed_field(v, name, label, (DEGREES_MAX, true, BlankForm::Degrees(most)));
        field.value = field.value.replace(',', ".");
        field
    };
    let word = |name, label| typed_field(v, name, label, (PLACE_MAX, false, BlankForm::Text));
    [
        degrees("latitude", v.t("chat.latitude"), 90),
        degrees("longitude", v.t("chat.longitude"), 180),
        word("place_name", v.t("chat.place_name")),
        word("place_address", v.t("chat.place_address")),
    ]
}

fn typed_field(
    v: &PageContext,
    name: &'static str,
    label: &str,
    (most, is_needed, form): (usize, bool, BlankForm),
) -> BlankField {
    let value = v.form.text(name).to_owned();
    BlankField { key: name.to_owned(), name, label: label.to_owned(), value, most, is_needed, form }
}

/// What a blank is called: by where it stands, and its name or its number there.
fn label(v: &PageContext, known: &KnownTemplate, at: usize, is_code: bool) -> String {
    let slots = known.slots.as_deref().unwrap_or_default();
    let slot = &slots[at];
    let number = slots[..at].iter().filter(|other| other.place == slot.place && other.media.is_none()).count() + 1;
    let own = format!("{{{{{}}}}}", slot.name.clone().unwrap_or_else(|| number.to_string()));
    let says = |n: u8| {
        let buttons = known.frame.as_ref().map_or(&[][..], |frame| &frame.buttons);
        let text = buttons.get(usize::from(n)).map(|button| button.text.clone()).filter(|text| !text.is_empty());
        text.unwrap_or_else(|| (u16::from(n) + 1).to_string())
    };
    match (slot.place, slot.media) {
        _ if is_code => v.t("blank.code").to_owned(),
        (_, Some(kind @ (SlotKind::Image | SlotKind::Video | SlotKind::Document))) => {
            v.fill("blank.file", "kind", v.word("kind", kind))
        }
        (PlaceholderSlot::Button(n), Some(_)) => v.fill("blank.copied", "button", says(n)),
        (PlaceholderSlot::Button(n), None) => v.fill("blank.link", "button", says(n)),
        (PlaceholderSlot::Header, _) => v.fill("blank.header", "name", own),
        (PlaceholderSlot::Body, _) => v.fill("blank.body", "name", own),
    }
}
