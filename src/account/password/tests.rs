//! Passwords: SECURITY R01 to R05.

use proptest::prelude::*;

use super::*;

fn own() -> OwnWords<'static> {
    OwnWords {
        name: "Temuulen Bat-Erdene",
        username: "temka_77",
        email: "horserider@mail.example",
        server: "Steppe ID",
    }
}

fn check(typed: &str) -> Result<Password, Code> {
    Password::check(typed, &Policy::default(), &own())
}

#[test]
fn nine_are_refused_and_ten_good_ones_taken() {
    // SECURITY R01
    assert_eq!(check(""), Err(Code::PasswordEmpty));
    assert_eq!(
        check("kV9#xq2!z"),
        Err(Code::PasswordShort { has: 9, needs: 10 })
    );
    assert!(check("kV9#xq2!zT").is_ok());
    assert!(check("four random words work").is_ok());
}

#[test]
fn a_weak_one_is_refused_with_the_reason() {
    for (typed, code) in [
        ("aaaaaaaaaaaa", Code::PasswordCommon),
        ("password123", Code::PasswordCommon),
        ("QwertyUiop", Code::PasswordCommon),
        ("abcabcabcabc", Code::PasswordWeak),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Code::PasswordWeak),
        ("monkey monkey monkey", Code::PasswordWeak),
        ("Passw0rd1999!", Code::PasswordWeak),
    ] {
        assert_eq!(check(typed), Err(code), "{typed}");
    }
}

#[test]
fn words_of_the_persons_own_are_refused() {
    for (typed, what) in [
        ("violet TEMKA_77 engine", Own::Username),
        ("violet temka engine", Own::Username),
        ("violet horserider engine", Own::Email),
        ("violet-temuulen-engine", Own::Name),
        ("violeterdeneengine", Own::Name),
        ("violet steppe engine", Own::Server),
    ] {
        assert_eq!(check(typed), Err(Code::PasswordContains(what)), "{typed}");
    }
    // "Bat" and "77" are too short to mean the person.
    assert!(check("combat engine violet 77").is_ok());
}

#[test]
fn there_are_no_rules_of_composition() {
    // SECURITY R03
    assert!(check("xkqvwzjhtbnrply").is_ok());
}

#[test]
fn any_script_is_taken_and_composed() {
    // SECURITY R04
    for typed in [
        "морь унасан долоон тэнэг",
        "正しい馬の電池ホチキス大陸",
        "🐎🔋📎🏔\u{fe0f}🌊🎻🧭🪁🛶🧊",
        "  spaces belong to it  ",
    ] {
        assert_eq!(check(typed).unwrap().reveal(), typed);
    }
    let composed = check("ünïcödé wörds hëre").unwrap();
    let apart: String = "ünïcödé wörds hëre".nfd().collect();
    assert_eq!(check(&apart).unwrap(), composed);
    assert_eq!(Password::typed(&apart), Some(composed));
    assert_ne!(
        Password::typed(" leading space matters"),
        Password::typed("leading space matters")
    );
}

#[test]
fn many_symbols_are_judged_as_well() {
    for (typed, good) in [
        ("4@8({[<369&#!1/|0$5+7%2", true),
        ("kV9{x<q[2@z|T$+!", true),
        ("!!!@@@$$$+++", false),
        ("{[<!@$+|{[<!@$+|", false),
        ("p@$$w0rdp@$$w0rd!!++", false),
        ("+_)(*&^%$#@!|}{", false),
    ] {
        assert_eq!(check(typed).is_ok(), good, "{typed}");
    }
}

#[test]
fn control_characters_are_refused() {
    for typed in [
        "violet\nengine hammer",
        "violet\u{0}engine hammer",
        "violet\u{85}engine ham",
    ] {
        assert_eq!(check(typed), Err(Code::PasswordControl));
    }
}

#[test]
fn nothing_is_cut() {
    // SECURITY R02
    let words = "violet engine hammer cloud ";
    let long: String = words.chars().cycle().take(256).collect();
    assert!(check(&long).is_ok());
    let over = format!("{long}x");
    assert_eq!(check(&over), Err(Code::PasswordLong { most: 256 }));
    assert_eq!(Password::typed(&over), None);
    let mut other = long.clone();
    other.pop();
    other.push('y');
    assert_ne!(Password::typed(&long), Password::typed(&other));
    // 256 code points after NFC: more before it are no reason to refuse.
    assert!(Password::typed(&"e\u{301}".repeat(256)).is_some());
}

#[test]
fn an_operator_may_ask_for_up_to_64() {
    let at_least = |min_length| {
        let policy = Policy {
            min_length,
            refuse_common: true,
        };
        Password::check("violet engine", &policy, &own())
    };
    assert_eq!(
        at_least(15),
        Err(Code::PasswordShort { has: 13, needs: 15 })
    );
    assert_eq!(
        at_least(99),
        Err(Code::PasswordShort { has: 13, needs: 64 })
    );
    assert!(at_least(0).is_ok());
}

// Found by fuzzing: zxcvbn counts the turns of a walk by a power that overflows, which is a panic
// where overflow is checked.
#[test]
fn a_long_walk_over_the_keypad_is_judged() {
    let walk = "96729".to_owned() + &"69".repeat(40);
    assert_eq!(check(&format!("xK_7~W3^mB4o{walk}")).map(|_| ()), Ok(()));
}

#[test]
fn a_password_does_not_show_itself() {
    assert_eq!(format!("{:?}", check("kV9#xq2!zT")), "Ok(Password(…))");
}

proptest! {
    #[test]
    fn a_password_signs_in_as_it_was_set(typed in ".{0,80}|\\PC{10,80}", name in ".{0,20}") {
        let own = OwnWords { name: &name, ..own() };
        if let Ok(password) = Password::check(&typed, &Policy::default(), &own) {
            prop_assert_eq!(Password::typed(&typed), Some(password));
        }
    }
}
