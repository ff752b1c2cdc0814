//! The country calling codes that the ITU has assigned, with what it takes to read a number as people write it at home.
//!
//! One row a code: how many digits follow it in mobile and fixed-line numbers, and in numbers of all kinds where those
//! have other lengths too; its trunk prefixes; and its regions, the main one first. Trunk prefixes stand in the order in which they are tried; `=` means that there is
//! none and that a leading zero is a part of the number, nothing means that numbers never begin with zero at home.
//! Codes without a region belong to no country (satellites, international freephone). The facts are those of the ITU's
//! list and of the numbering plans, the lengths as libphonenumber has them of late 2026. The lookup tables are made by the compiler, so that finding a row costs one read.
//!
//! Adding a code: insert its row. This file must not know how a number is spelt.

use super::{Region, lengths::Lengths};

/// What is known of one calling code.
pub(super) struct CallingCode {
    /// The calling code, 1 to 999.
    pub code: u16,
    /// How many digits follow the code in mobile and fixed-line numbers.
    pub usual: Lengths,
    /// How many digits follow it in numbers of any kind, these included.
    pub possible: Lengths,
    trunks: &'static str,
    regions: &'static str,
}

impl CallingCode {
    /// The prefixes that stand for "within the country", in the order in which they are tried.
    pub fn trunks(&self) -> impl Iterator<Item = &'static str> {
        self.trunks.split_ascii_whitespace().filter(|t| *t != "=")
    }

    /// Whether a zero at the beginning is a part of the number itself, as in Italy.
    pub fn keeps_zero(&self) -> bool {
        self.trunks == "="
    }

    /// Whether a zero after the code can only be a trunk prefix that does not belong there.
    pub fn drops_zero(&self) -> bool {
        self.trunks().any(|t| t == "0")
    }

    /// How many digits the code itself has.
    pub fn code_len(&self) -> usize {
        match self.code {
            0..10 => 1,
            10..100 => 2,
            _ => 3,
        }
    }

    /// The region that most numbers of this code belong to.
    pub fn main_region(&self) -> Option<Region> {
        self.regions.as_bytes().first_chunk().map(|two| Region(*two))
    }
}

/// The row whose code the digits (values 0 to 9, without any prefix) begin with.
pub(super) fn by_digits(digits: &[u8]) -> Option<&'static CallingCode> {
    let [a, b, c] = *digits.first_chunk()?;
    row_at(BY_DIGITS[usize::from(a) * 100 + usize::from(b) * 10 + usize::from(c)])
}

/// The row that a region belongs to.
pub(super) fn by_region([a, b]: [u8; 2]) -> Option<&'static CallingCode> {
    let both = a.is_ascii_uppercase() && b.is_ascii_uppercase();
    both.then(|| row_at(BY_REGION[region_slot(a, b)])).flatten()
}

/// Rows are numbered from one in the lookup tables; zero is "none".
fn row_at(number: u8) -> Option<&'static CallingCode> {
    ROWS.get(usize::from(number).checked_sub(1)?)
}

const fn region_slot(a: u8, b: u8) -> usize {
    (a - b'A') as usize * 26 + (b - b'A') as usize
}

/// For each three digits that a number can begin with: the row of its code.
static BY_DIGITS: [u8; 1000] = {
    let mut table = [0; 1000];
    let mut i = 0;
    while i < ROWS.len() {
        let (mut first, mut count) = (ROWS[i].code as usize, 1);
        while first < 100 {
            first *= 10;
            count *= 10;
        }
        let mut k = 0;
        while k < count {
            assert!(table[first + k] == 0, "no calling code begins with another one");
            table[first + k] = number(i);
            k += 1;
        }
        i += 1;
    }
    table
};

/// For each pair of letters: the row of the region called so.
static BY_REGION: [u8; 676] = {
    let mut table = [0; 676];
    let mut i = 0;
    while i < ROWS.len() {
        let names = ROWS[i].regions.as_bytes();
        let mut k = 0;
        while k < names.len() {
            table[region_slot(names[k], names[k + 1])] = number(i);
            k += 3;
        }
        i += 1;
    }
    table
};

const fn number(row: usize) -> u8 {
    assert!(row < 255, "rows are numbered in one byte");
    row as u8 + 1
}

const fn row(
    code: u16,
    usual: &'static str,
    others: &'static str,
    trunks: &'static str,
    regions: &'static str,
) -> CallingCode {
    let possible = if others.is_empty() { usual } else { others };
    CallingCode { code, usual: Lengths::read(usual), possible: Lengths::read(possible), trunks, regions }
}

/// Code, digits after it in mobile and fixed-line numbers, digits after it in all numbers (nothing: the same), trunk
/// prefixes, regions.
const ROWS: &[CallingCode] = &[
    row(1, "10", "", "1", "US AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MP MS PR SX TC TT VC VG VI"),
    row(7, "10", "10 14", "8", "RU KZ"),
    row(20, "8-10", "", "0", "EG"),
    row(27, "5-9", "5-10", "0", "ZA"),
    row(30, "10", "10-12", "", "GR"),
    row(31, "9 11", "5-11", "0", "NL"),
    row(32, "8-9", "", "0", "BE"),
    row(33, "9", "", "0", "FR"),
    row(34, "9", "", "", "ES"),
    row(36, "8-9", "", "06", "HU"),
    row(39, "6-12", "", "=", "IT VA"),
    row(40, "6 9", "", "0", "RO"),
    row(41, "9", "9 12", "0", "CH"),
    row(43, "4-13", "", "0", "AT"),
    row(44, "9-10", "7 9-10", "0", "GB GG IM JE"),
    row(45, "8", "", "", "DK"),
    row(46, "7-9", "6-10 12", "0", "SE"),
    row(47, "8", "5 8", "", "NO SJ"),
    row(48, "7 9", "6-10", "", "PL"),
    row(49, "5-15", "4-15", "0", "DE"),
    row(51, "8-9", "", "0", "PE"),
    row(52, "10", "", "044 045 01", "MX"),
    row(53, "6-8 10", "", "0", "CU"),
    row(54, "10-11", "", "0", "AR"),
    row(55, "10-11", "8-11", "0", "BR"),
    row(56, "9", "9-11", "", "CL"),
    row(57, "8 10", "8 10-11", "0", "CO"),
    row(58, "10", "", "0", "VE"),
    row(60, "8-10", "", "0", "MY"),
    row(61, "9", "5-10 12", "0", "AU CC CX"),
    row(62, "7-12", "7-15", "0", "ID"),
    row(63, "6 8-10", "6 8-13", "0", "PH"),
    row(64, "8-10", "5-10", "0", "NZ"),
    row(65, "8", "8 10-11", "", "SG"),
    row(66, "8-9", "8-10 13", "0", "TH"),
    row(81, "9-10", "8-15", "0", "JP"),
    row(82, "5-6 8-10", "5-6 8-14", "0", "KR"),
    row(84, "9-10", "7-10", "0", "VN"),
    row(86, "7-11", "7-12", "0", "CN"),
    row(90, "10", "7 10 12-13", "0", "TR"),
    row(91, "10", "8-13", "0", "IN"),
    row(92, "9-10", "8-12", "0", "PK"),
    row(93, "9", "", "0", "AF"),
    row(94, "9", "", "0", "LK"),
    row(95, "6-10", "", "0", "MM"),
    row(98, "6-7 10", "4-7 10", "0", "IR"),
    row(211, "9", "", "0", "SS"),
    row(212, "9", "", "0", "MA EH"),
    row(213, "8-9", "", "0", "DZ"),
    row(216, "8", "", "", "TN"),
    row(218, "9", "", "0", "LY"),
    row(220, "7 9", "", "", "GM"),
    row(221, "9", "", "", "SN"),
    row(222, "8", "", "", "MR"),
    row(223, "8", "", "", "ML"),
    row(224, "8-9", "", "", "GN"),
    row(225, "10", "", "=", "CI"),
    row(226, "8", "", "", "BF"),
    row(227, "8", "", "", "NE"),
    row(228, "8", "", "", "TG"),
    row(229, "10", "", "=", "BJ"),
    row(230, "7-8", "7-8 10", "", "MU"),
    row(231, "7-9", "", "0", "LR"),
    row(232, "8", "", "0", "SL"),
    row(233, "9", "8-9", "0", "GH"),
    row(234, "10", "10-14", "0", "NG"),
    row(235, "8", "", "", "TD"),
    row(236, "8", "", "", "CF"),
    row(237, "9", "8-9", "", "CM"),
    row(238, "7", "", "", "CV"),
    row(239, "7", "", "", "ST"),
    row(240, "9", "", "", "GQ"),
    row(241, "7-8", "", "=", "GA"),
    row(242, "9", "", "=", "CG"),
    row(243, "7-10", "", "0", "CD"),
    row(244, "9", "", "", "AO"),
    row(245, "9", "7 9", "", "GW"),
    row(246, "7", "", "", "IO"),
    row(247, "5", "5-6", "", "AC"),
    row(248, "7", "", "", "SC"),
    row(249, "9", "", "0", "SD"),
    row(250, "8-9", "", "0", "RW"),
    row(251, "9", "", "0", "ET"),
    row(252, "6-9", "", "0", "SO"),
    row(253, "8", "", "", "DJ"),
    row(254, "7-9", "7-10", "0", "KE"),
    row(255, "9", "", "0", "TZ"),
    row(256, "9", "", "0", "UG"),
    row(257, "8", "", "", "BI"),
    row(258, "8-9", "", "", "MZ"),
    row(260, "9", "", "0", "ZM"),
    row(261, "9", "", "0", "MG"),
    row(262, "9", "", "0", "RE YT"),
    row(263, "9", "7 9-10", "0", "ZW"),
    row(264, "8-9", "", "0", "NA"),
    row(265, "7 9", "", "0", "MW"),
    row(266, "8", "", "", "LS"),
    row(267, "7-8", "7-8 10", "", "BW"),
    row(268, "8", "8-9", "", "SZ"),
    row(269, "7", "", "", "KM"),
    row(290, "4-5", "", "", "SH TA"),
    row(291, "7", "", "0", "ER"),
    row(297, "7", "", "", "AW"),
    row(298, "6", "", "", "FO"),
    row(299, "6", "", "", "GL"),
    row(350, "8", "", "", "GI"),
    row(351, "9", "", "", "PT"),
    row(352, "4-11", "", "", "LU"),
    row(353, "7-10", "", "0", "IE"),
    row(354, "7 9", "", "", "IS"),
    row(355, "8-9", "6-9", "0", "AL"),
    row(356, "8", "", "", "MT"),
    row(357, "8", "", "", "CY"),
    row(358, "5-10", "5-12", "0", "FI AX"),
    row(359, "6-9", "6-9 12", "0", "BG"),
    row(370, "8", "", "0 8", "LT"),
    row(371, "8", "", "", "LV"),
    row(372, "7-8", "7-8 10", "", "EE"),
    row(373, "8", "", "0", "MD"),
    row(374, "8", "", "0", "AM"),
    row(375, "9", "6-11", "80 8 0", "BY"),
    row(376, "6 9", "6 8-9", "", "AD"),
    row(377, "8-9", "", "0", "MC"),
    row(378, "8 10", "", "=", "SM"),
    row(379, "6-11", "", "=", ""),
    row(380, "9", "9-10", "0", "UA"),
    row(381, "7-12", "6-12", "0", "RS"),
    row(382, "8", "8-9", "0", "ME"),
    row(383, "8-12", "", "0", "XK"),
    row(385, "8-9", "7-9", "0", "HR"),
    row(386, "8", "5-8", "0", "SI"),
    row(387, "8-9", "", "0", "BA"),
    row(389, "8", "", "0", "MK"),
    row(420, "9", "9-12", "", "CZ"),
    row(421, "6-7 9", "", "0", "SK"),
    row(423, "7 9", "", "0", "LI"),
    row(500, "5", "", "", "FK"),
    row(501, "7", "7 11", "", "BZ"),
    row(502, "8", "8 11", "", "GT"),
    row(503, "8", "7-8 11", "", "SV"),
    row(504, "8", "8 11", "", "HN"),
    row(505, "8", "", "", "NI"),
    row(506, "8", "8 10", "", "CR"),
    row(507, "7-8", "7-8 10-11", "", "PA"),
    row(508, "6 9", "", "0", "PM"),
    row(509, "8", "", "", "HT"),
    row(590, "9", "", "0", "GP BL MF"),
    row(591, "8", "8-9", "0", "BO"),
    row(592, "7", "", "", "GY"),
    row(593, "8-9", "8-11", "0", "EC"),
    row(594, "9", "", "0", "GF"),
    row(595, "7-9", "6-11", "0", "PY"),
    row(596, "9", "", "0", "MQ"),
    row(597, "6-7", "", "", "SR"),
    row(598, "8", "4-13", "0", "UY"),
    row(599, "7-8", "", "", "CW BQ"),
    row(670, "7-8", "", "", "TL"),
    row(672, "6", "", "", "NF"),
    row(673, "7", "", "", "BN"),
    row(674, "7", "", "", "NR"),
    row(675, "7-8", "", "", "PG"),
    row(676, "5 7", "", "", "TO"),
    row(677, "5 7", "", "", "SB"),
    row(678, "5 7", "", "", "VU"),
    row(679, "7", "7 11", "", "FJ"),
    row(680, "7", "", "", "PW"),
    row(681, "6", "6 9", "", "WF"),
    row(682, "5", "", "", "CK"),
    row(683, "4 7", "", "", "NU"),
    row(685, "5-7 10", "", "", "WS"),
    row(686, "5 8", "", "0", "KI"),
    row(687, "6", "", "", "NC"),
    row(688, "5-7", "", "", "TV"),
    row(689, "8", "6 8-9", "", "PF"),
    row(690, "4-7", "", "", "TK"),
    row(691, "7", "", "", "FM"),
    row(692, "7", "", "1", "MH"),
    row(800, "8", "", "", ""),
    row(808, "8", "", "", ""),
    row(850, "8 10", "", "0", "KP"),
    row(852, "8", "5-9 11", "", "HK"),
    row(853, "8", "7-8", "", "MO"),
    row(855, "8-9", "8-10", "0", "KH"),
    row(856, "8-10", "", "0", "LA"),
    row(870, "9 12", "", "", ""),
    row(878, "12", "", "", ""),
    row(880, "6-10", "", "0", "BD"),
    row(881, "9-10", "", "", ""),
    row(882, "7-10 12", "7-12", "", ""),
    row(883, "8-12", "", "", ""),
    row(886, "8-9", "7-11", "0", "TW"),
    row(960, "7", "7 10", "", "MV"),
    row(961, "7-8", "", "0", "LB"),
    row(962, "8-9", "", "0", "JO"),
    row(963, "8-9", "", "0", "SY"),
    row(964, "8-10", "", "0", "IQ"),
    row(965, "8", "7-8", "", "KW"),
    row(966, "9", "9-10", "0", "SA"),
    row(967, "7-9", "", "0", "YE"),
    row(968, "8", "7-9", "", "OM"),
    row(970, "8-9", "8-10", "0", "PS"),
    row(971, "8-9", "5-12", "0", "AE"),
    row(972, "8-9 11-12", "7-12", "0", "IL"),
    row(973, "8", "", "", "BH"),
    row(974, "8", "7-9 11", "", "QA"),
    row(975, "7-8", "", "", "BT"),
    row(976, "8-10", "", "0", "MN"),
    row(977, "8 10", "8 10-11", "0", "NP"),
    row(979, "9", "", "", ""),
    row(992, "9", "", "", "TJ"),
    row(993, "8", "", "8", "TM"),
    row(994, "9", "", "0", "AZ"),
    row(995, "9", "", "0", "GE"),
    row(996, "9", "9-10", "0", "KG"),
    row(998, "9", "", "", "UZ"),
];
