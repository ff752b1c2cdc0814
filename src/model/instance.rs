//! What can be said about an instance: which connector, whether it is open, whether it hears.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// As it is spelt in the API, the command line and the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
            /// The one spelt `text`.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
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

words! {
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

words! {
    /// Whether a connected instance really hears: measured, not believed.
    Health {
        /// Frames or acknowledgements arrive.
        Ok = "ok",
        /// Connected, and silent for too long.
        Deaf = "deaf",
    }
}
