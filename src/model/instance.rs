//! What can be said about an instance: which connector, whether it is open, whether it hears.

use super::string_enum::string_enum;

string_enum! {
    /// How an instance reaches WhatsApp.
    ConnectorKind {
        /// A phone network inside the process: for trying things out, demos and tests.
        Sandbox = "sandbox",
        /// A paired phone, by the multi-device protocol.
        WhatsappWeb = "whatsapp-web",
        /// Meta's Cloud API.
        CloudApi = "cloud-api",
        /// An existing Evolution API server.
        Evolution = "evolution",
    }
}

impl ConnectorKind {
    /// Whether this build has it: a paired phone is a feature of the build.
    pub const fn is_built(self) -> bool {
        !matches!(self, Self::WhatsappWeb) || cfg!(feature = "whatsapp-web")
    }

    /// Those that this build has, for a sentence: their words with commas between them.
    pub fn list_built() -> String {
        let built = Self::ALL.iter().filter(|kind| kind.is_built());
        built.map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    }
}

string_enum! {
    /// Whether the instance can send. Provider trouble (token, payment, ban) is `close` with its reason.
    InstanceState {
        Open = "open",
        /// On its way to open.
        Connecting = "connecting",
        /// Not connected; the reason stands beside it.
        Close = "close",
        /// Waits for its QR code to be scanned.
        Qr = "qr",
    }
}

string_enum! {
    /// Whether a connected instance really hears: measured, not believed.
    Health {
        /// Frames or acknowledgements arrive.
        Ok = "ok",
        /// Connected, and silent for too long.
        Deaf = "deaf",
    }
}
