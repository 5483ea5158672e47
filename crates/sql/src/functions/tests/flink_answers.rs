//! Answers observed on Flink 2.3.0, function by function.

use types::{DataType, Scalar, Value};

use super::*;
use crate::expr::CastMode::{Strict, Try};

fn decimal_type(name: &str, args: &[Typed]) -> String {
    call(name, args).unwrap().1.to_string()
}

#[test]
fn whole_numbers_wrap_and_truncate() {
    check("+", &[i(2147483647), i(1)], "-2147483648");
    check("*", &[big(i64::MAX), big(2)], "-2");
    check("/", &[i(7), i(2)], "3");
    check("/", &[i(-7), i(2)], "-3");

    check(
        "/",
        &[i(1), i(0)],
        "!/ by zero: the dividend is 1; NULLIF(…, 0) as the divisor gives NULL instead",
    );

    check(
        "%",
        &[i(1), i(0)],
        "!/ by zero: the dividend is 1; NULLIF(…, 0) as the divisor gives NULL instead",
    );

    check("MOD", &[i(-7), i(3)], "-1");
    check("ABS", &[i(-2147483648)], "-2147483648");
    check("/", &[big(i64::MIN), big(-1)], "-9223372036854775808");
    check("+", &[i(1), null(DataType::Int)], "NULL");
    assert_eq!(decimal_type("+", &[i(1), big(1)]), "BIGINT");
}

#[test]
fn decimals_have_flinks_digits() {
    check("/", &[i(7), m("2.0")], "3.500000");
    check("/", &[i(1), m("3.0")], "0.333333");
    check("*", &[m("1.50"), m("2.00")], "3.0000");
    check("+", &[m("1.5"), i(1)], "2.5");
    check("%", &[m("-7.5"), m("2.0")], "-1.5");
    check("/", &[m("0.0"), m("0.0")], "!Division undefined; NULLIF(…, 0) as the divisor gives NULL instead");
    let seven_hundred = call("*", &[i(7), m("100.0")]).unwrap();
    check("/", &[seven_hundred, i(9)], "77.777777777778");
    let money = Typed(Value::Wide(100), DataType::Decimal { precision: 10, scale: 2 });
    assert_eq!(decimal_type("*", &[money.clone(), money.clone()]), "DECIMAL(21, 4)");
    let precise = |text: &str| {
        let to = DataType::Decimal { precision: 20, scale: 6 };
        Typed(convert(&s(text), to.clone(), Strict).unwrap(), to)
    };
    check("*", &[precise("1.000001"), precise("1.000099")], "1.000100000");
    check("/", &[money, i(3)], "0.3333333333333");
    let most = Typed(Value::Wide(10i128.pow(38) - 1), DataType::Decimal { precision: 38, scale: 0 });
    check("+", &[most.clone(), most], "NULL");
}

#[test]
fn doubles_divide_by_zero() {
    check("/", &[d(1.0), d(0.0)], "Infinity");
    check("/", &[d(0.0), i(0)], "NaN");
    check("*", &[call("/", &[d(7.0), i(9)]).unwrap(), i(100)], "77.77777777777779");
    check("SQRT", &[i(-1)], "NaN");
    check("POWER", &[i(2), i(10)], "1024.0");
    check("LOG", &[i(2), i(8)], "3.0");
    check("LOG2", &[i(8)], "3.0");
    check("NEGATE", &[m("2.5")], "-2.5");
    // Between FLOAT and DOUBLE, the left operand's type is used.
    let f = Typed(Value::Double(f64::from(0.1f32)), DataType::Float);
    check("+", &[f.clone(), d(1.5)], "1.6");
    check("+", &[d(1.5), f.clone()], "1.6000000014901161");
    check("*", &[f.clone(), d(1.5)], "0.15");
    check("/", &[f.clone(), d(1.5)], "0.06666667");
    check("-", &[f.clone(), d(1.5)], "-1.4");
    check("+", &[f.clone(), m("1.5")], "1.6000000014901161");
    check("+", &[f.clone(), i(1)], "1.1");
    check("GREATEST", &[f, d(0.05)], "0.10000000149011612");
}

#[test]
fn functions_of_doubles_are_javas_to_the_last_bit() {
    for (name, args, text) in [
        ("LOG10", vec![43.0], "1.6334684555795864"),
        ("LOG10", vec![1000.0], "3.0"),
        ("LOG10", vec![0.0], "-Infinity"),
        ("LOG10", vec![-1.0], "NaN"),
        ("SIN", vec![2.5], "0.5984721441039564"),
        ("SIN", vec![43.0], "-0.8317747426285983"),
        ("COS", vec![43.0], "0.5551133015206257"),
        ("TAN", vec![2.5], "-0.7470222972386603"),
        ("COT", vec![97.3], "-11.159347428625747"),
        ("ASIN", vec![0.973], "1.3378912711793043"),
        ("ACOS", vec![0.43], "1.1263035498590777"),
        ("ATAN", vec![97.3], "1.560519196339789"),
        ("SINH", vec![9.73], "8407.276130497628"),
        ("COSH", vec![1.0], "1.543080634815244"),
        ("COSH", vec![0.1], "1.0050041680558035"),
        ("COSH", vec![800.0], "Infinity"),
        ("TANH", vec![0.25], "0.24491866240370913"),
        ("TANH", vec![-30.0], "-1.0"),
        ("ATAN2", vec![10.0, 3.0], "1.2793395323170296"),
        ("ATAN2", vec![1.0, -3.0], "2.819842099193151"),
        ("ATAN2", vec![0.0, -1.0], "3.141592653589793"),
        ("ATAN2", vec![-0.0, -1.0], "-3.141592653589793"),
        ("EXP", vec![1.0], "2.718281828459045"),
        ("POWER", vec![2.5, 2.5], "9.882117688026186"),
    ] {
        let args: Vec<Typed> = args.into_iter().map(d).collect();
        check(name, &args, text);
    }
}

#[test]
fn rounding_goes_half_away_from_zero() {
    check("ROUND", &[m("2.345"), i(2)], "2.35");
    check("ROUND", &[d(2.345), i(2)], "2.35");
    check("ROUND", &[d(1.005), i(2)], "1.01");
    check("ROUND", &[d(2.675), i(2)], "2.68");
    check("ROUND", &[d(-2.5), i(0)], "-3.0");
    check("ROUND", &[d(-2.5)], "-3.0");
    check("ROUND", &[i(1250), i(-2)], "1300");
    check("ROUND", &[d(0.4)], "0.0");
    check("ROUND", &[d(0.5)], "1.0");
    check("ROUND", &[d(99.9), i(0)], "100.0");
    check("TRUNCATE", &[m("-2.345"), i(2)], "-2.34");
    check("TRUNCATE", &[d(2.999), i(1)], "2.9");
    check("FLOOR", &[m("-2.5")], "-3");
    check("CEIL", &[d(2.1)], "3.0");
    check("SIGN", &[m("-2.50")], "-1.00");
    check("GREATEST", &[i(1), i(3), i(2)], "3");
    check("LEAST", &[i(1), m("0.5")], "0.5");
    check("GREATEST", &[i(1), null(DataType::Int)], "NULL");
}

#[test]
fn case_and_trimming_are_javas() {
    check("LOWER", &[s("ĐÀ")], "đà");
    check("LOWER", &[s("İ")], "i̇");
    check("LOWER", &[s("ΟΔΟΣ")], "οδος");
    check("UPPER", &[s("straße")], "STRASSE");
    check("TRIM", &[s("  \ta\u{a0} ")], "\ta\u{a0}");
    check("TRIM", &[s("x"), s("xxaxx"), s("LEADING")], "axx");
    check("TRIM", &[s("xy"), s("xyaxy"), s("both")], "a");
    check("RTRIM", &[s(" a  ")], " a");
    check("INITCAP", &[s("học phí straße")], "HọC Phí StraßE");
    check("CHAR_LENGTH", &[s("học")], "3");
    check("REVERSE", &[s("a😀b")], "b😀a");
}

#[test]
fn parts_of_text() {
    check("SUBSTRING", &[s("abcde"), i(2), i(3)], "bcd");
    check("SUBSTR", &[s("abcde"), i(0), i(2)], "ab");
    check("SUBSTRING", &[s("abcde"), i(-2)], "de");
    check("SUBSTRING", &[s("abcde"), i(-9)], "");
    check("SUBSTRING", &[s("abcde"), i(9)], "");
    check("SUBSTRING", &[s("abcde"), i(1), i(-1)], "NULL");
    check("LEFT", &[s("học"), i(2)], "họ");
    check("LEFT", &[s("abc"), i(0)], "");
    check("RIGHT", &[s("học"), i(2)], "ọc");
    check("RIGHT", &[s("abc"), i(-1)], "");
    check("RIGHT", &[s("abc"), i(9)], "abc");
    check("SPLIT_INDEX", &[s("a,b,c"), s(","), i(1)], "b");
    check("SPLIT_INDEX", &[s("a b\tc"), s(""), i(2)], "c");
    check("SPLIT_INDEX", &[s("a,b"), i(44), i(1)], "b");
    check("SPLIT_INDEX", &[s("a,b"), s(","), i(2)], "NULL");
    check("SPLIT_INDEX", &[s("a,b"), s(","), i(-1)], "NULL");
}

#[test]
fn joins_pads_and_replaces() {
    check("||", &[s("a"), s("b")], "ab");
    check("CONCAT", &[s("a"), null(DataType::STRING)], "NULL");
    check("CONCAT_WS", &[s("-"), s("a"), null(DataType::STRING), s("b")], "a-b");
    check("CONCAT_WS", &[null(DataType::STRING), s("a")], "NULL");
    check("LPAD", &[s("7"), i(3), s("0")], "007");
    check("RPAD", &[s("7"), i(4), s("ab")], "7aba");
    check("LPAD", &[s("abc"), i(2), s("x")], "ab");
    check("LPAD", &[s("abc"), i(-1), s("x")], "NULL");
    check("RPAD", &[s("abc"), i(2), s("")], "NULL");
    check("REPLACE", &[s("ab"), s(""), s("x")], "xaxbx");
    check("REPLACE", &[s("😀"), s(""), s("-")], "-?-?-");
    check("REPLACE", &[s("aTbT"), s("T"), s(" ")], "a b ");
    check("OVERLAY", &[s("xxxxx"), s("ab"), i(2)], "xabxx");
    check("OVERLAY", &[s("😀x"), s("a"), i(1), i(1)], "a?x");
    check("REPEAT", &[s("ab"), i(2)], "abab");
    check("REPEAT", &[s("ab"), i(-2)], "");
}

#[test]
fn search_in_text() {
    check("POSITION", &[s(""), s("abc")], "1");
    check("POSITION", &[s("c"), s("học")], "3");
    check("LOCATE", &[s("a"), s("banana"), i(3)], "4");
    check("INSTR", &[s("banana"), s("a"), i(1), i(2)], "4");
    check("INSTR", &[s("banana"), s("a"), i(-1), i(1)], "6");
    check("STARTSWITH", &[s("abc"), s("ab")], "TRUE");
    check("LIKE", &[s("abc"), s("a%")], "TRUE");
    check("LIKE", &[s("a\\xb"), s("a\\%b%")], "TRUE");
    check("LIKE", &[s("a%b"), s("a\\%b"), s("\\")], "TRUE");
    check("LIKE", &[s("axb"), s("a\\%b"), s("\\")], "FALSE");
    check("LIKE", &[s("học"), s("h_c")], "TRUE");
    check("LIKE", &[s("aXbXc"), s("a%b_c")], "TRUE");
    check("SIMILAR TO", &[s("abb"), s("a(b|c)*")], "TRUE");
    check("SIMILAR TO", &[s("abbd"), s("a(b|c)*")], "FALSE");
    check("SIMILAR TO", &[s("a.c"), s("a.%")], "TRUE");

    for (text, pattern, answer) in [
        ("axb", "a.b", "TRUE"),
        ("a.b", "a\\.b", "FALSE"),
        ("5", "\\d", "FALSE"),
        ("a\nb", "[^a]%", "FALSE"),
        ("x\nb", "[^a]%", "TRUE"),
        ("x\nb", "x%", "TRUE"),
        ("x\nb", "x_b", "FALSE"),
        ("x\nb", "x.b", "FALSE"),
        ("x\nb", "x[^a]b", "TRUE"),
        ("ab\n", "ab", "FALSE"),
        ("a$b", "a$b", "TRUE"),
        ("a^b", "a^b", "FALSE"),
        ("a-b", "a-b", "TRUE"),
        ("a1", "[[:ALPHA:][:DIGIT:]]+", "TRUE"),
        ("a", "[a-c]", "TRUE"),
        ("x", "[%]", "!Invalid regular expression '[%]'"),
        ("]", "[]]", "!Invalid regular expression '[]]'"),
    ] {
        check("SIMILAR TO", &[s(text), s(pattern)], answer);
    }

    check("SIMILAR TO", &[s("a%b"), s("a!%b"), s("!")], "TRUE");
    check("SIMILAR TO", &[s("axb"), s("a!%b"), s("!")], "FALSE");
    check("SIMILAR TO", &[s("a.b"), s("a!.b"), s("!")], "!Invalid escape sequence in the pattern 'a!.b'");
}

#[test]
fn regular_expressions_are_javas() {
    check("REGEXP", &[s("abc"), s("")], "FALSE");
    check("REGEXP", &[s("abc"), s("b+")], "TRUE");
    check("REGEXP", &[s("abc"), s("(")], "FALSE");
    check("REGEXP_REPLACE", &[s("a1b22"), s("\\d+"), s("$0")], "a$0b$0");
    check("REGEXP_REPLACE", &[s("a"), s("("), s("x")], "NULL");
    check("REGEXP_REPLACE", &[s("xab"), s("x*"), s("-")], "--a-b-");
    check("REGEXP_REPLACE", &[s("٣3"), s("\\d"), s("#")], "٣#");
    check("REGEXP_EXTRACT", &[s("foothebar"), s("foo(.*?)(bar)"), i(2)], "bar");
    check("REGEXP_EXTRACT", &[s("foothebar"), s("foo(.*?)(bar)")], "foothebar");
    check("REGEXP_EXTRACT", &[s("foothebar"), s("foo(.*?)(bar)"), i(5)], "NULL");
    check("REGEXP_EXTRACT", &[s("nope"), s("foo")], "NULL");
    check("REGEXP_EXTRACT", &[s("a.b\n"), s("\\Q.\\E(.*)$"), i(1)], "b");
    check("REGEXP", &[s("abc"), s("a(?=b)")], "!regular expressions with look-ahead are not supported");
}

#[test]
fn digests_and_spellings() {
    check("MD5", &[s("")], "d41d8cd98f00b204e9800998ecf8427e");
    check("SHA1", &[s("")], "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check("SHA256", &[s("")], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("SHA2", &[s(""), i(224)], "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f");
    check("TO_BASE64", &[s("hello")], "aGVsbG8=");
    check("FROM_BASE64", &[s("aGVsbG8")], "hello");
    assert!(shown(call("FROM_BASE64", &[s("%%")])).starts_with("!'%%' is not base 64"));
    check("URL_ENCODE", &[s("a b/học")], "a+b%2Fh%E1%BB%8Dc");
    check("URL_DECODE", &[s("a+b%2F")], "a b/");
    check("URL_DECODE", &[s("%zz")], "NULL");
    check("HEX", &[i(255)], "FF");
    check("HEX", &[big(-1)], "FFFFFFFFFFFFFFFF");
    check("HEX", &[s("a")], "61");
    check("ASCII", &[s("abc")], "97");
    check("CHR", &[i(97 + 256)], "a");
    check("IS_DECIMAL", &[s("1.5")], "TRUE");
    check("IS_DIGIT", &[s("1.5")], "FALSE");
    check("IS_ALPHA", &[null(DataType::STRING)], "FALSE");
}

#[test]
fn json_values() {
    check("JSON_VALUE", &[s("{\"a\": {\"b\": [1, 2.50]}}"), s("$.a.b[1]")], "2.50");
    for (number, text) in [
        ("-7.50", "-7.50"),
        ("1e3", "1E+3"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.1e-7", "1E-8"),
        ("1.0E10", "1.0E+10"),
        ("123456789012345678.123456789", "123456789012345678.123456789"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("100.0", "100.0"),
        ("1e400", "1E+400"),
        ("0.000001", "0.000001"),
        ("0.00000012", "1.2E-7"),
        ("\"x\"", "x"),
    ] {
        check("JSON_VALUE", &[s(&format!(" {{\"a\" : {number} }} ")), s("$.a")], text);
        check("JSON_VALUE", &[s(number), s("$")], text);
    }
    check("JSON_VALUE", &[s("{\"a\": 1, \"a\": 2}"), s("$.a")], "2");
    check("JSON_VALUE", &[s("{\"a\\u0062\": 1}"), s("$.ab")], "1");
    check("JSON_VALUE", &[s("{\"a\": 1} x"), s("$.a")], "NULL");
    check("JSON_VALUE", &[s("{\"a\": true}"), s("$.a")], "true");
    check("JSON_VALUE", &[s("{\"a\": {}}"), s("$.a")], "NULL");

    let with = |path: &str| [s("{}"), s(path), s("DEFAULT"), s("empty"), s("DEFAULT"), s("error")];
    check("JSON_VALUE", &with("$.zz"), "error");
    check("JSON_VALUE", &with("lax $.zz"), "empty");
    check("JSON_VALUE", &[s("nope"), s("lax $.a"), s("DEFAULT"), s("empty"), s("ERROR"), s("")], "empty");
}

#[test]
fn casts_of_numbers() {
    let cast = |value: Typed, to: DataType| shown(convert(&value, to.clone(), Try).map(|v| Typed(v, to)));
    for (text, whole) in [
        ("12.9", "12"),
        (" 12 ", "12"),
        ("-5", "-5"),
        ("+7", "7"),
        ("1e3", "NULL"),
        ("1_000", "NULL"),
        ("", "NULL"),
        ("0x10", "NULL"),
        ("2147483648", "NULL"),
    ] {
        assert_eq!(cast(s(text), DataType::Int), whole, "{text}");
    }

    assert_eq!(cast(d(1e20), DataType::Int), "2147483647");
    assert_eq!(cast(d(f64::INFINITY), DataType::Int), "2147483647");
    assert_eq!(cast(d(-2.9), DataType::Int), "-2");
    assert_eq!(cast(d(1e10), DataType::SmallInt), "-1");
    assert_eq!(cast(d(123456.789), DataType::SmallInt), "-7616");
    assert_eq!(cast(big(3_000_000_000), DataType::Int), "-1294967296");
    assert_eq!(cast(s("1e400"), DataType::Double), "Infinity");
    assert_eq!(cast(s("1.005"), DataType::Decimal { precision: 10, scale: 2 }), "1.01");
    assert_eq!(cast(m("123.4"), DataType::Decimal { precision: 2, scale: 0 }), "NULL");
    assert_eq!(cast(d(1.005), DataType::Decimal { precision: 10, scale: 2 }), "1.01");
    let single = Typed(Value::Double(f64::from(0.1f32)), DataType::Float);
    assert_eq!(cast(single.clone(), DataType::Decimal { precision: 38, scale: 10 }), "0.1000000015");
    assert_eq!(cast(single, DataType::Decimal { precision: 38, scale: 18 }), "0.100000001490116120");
    for (text, truth) in
        [("T", "TRUE"), ("yes", "TRUE"), ("1", "TRUE"), ("N", "FALSE"), ("0", "FALSE"), ("on", "NULL")]
    {
        assert_eq!(cast(s(text), DataType::Boolean), truth, "{text}");
    }
    assert!(convert(&s("x"), DataType::Int, Strict).unwrap_err().contains("'x'"));
}

#[test]
fn a_multiset_counts_every_copy_and_is_no_array() {
    let mut bytes = Vec::new();
    let entries = [(Scalar::Int(7), Scalar::Int(2)), (Scalar::Int(9), Scalar::Int(1))];
    types::nested::write_hash_map(&entries, &mut bytes);
    let data_type = DataType::Multiset(Box::new(DataType::Int.not_null()));
    let multiset = Typed(Value::Bytes(bytes), data_type);

    check("CARDINALITY", std::slice::from_ref(&multiset), "3");
    assert!(call("ELEMENT", &[multiset]).is_err(), "the elements of a multiset have no order");
}
