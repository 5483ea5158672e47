//! Window table functions: `TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), size[, offset]))`, `HOP`, `CUMULATE`.

use types::{DataType, Interval, Value};

use super::expression::Clause;
use super::from::FromBinder;
use super::resolve::{Scope, suggest};
use super::scope::{Column, Relation};
use super::stage::Stage;
use super::{Bound, Cell, QueryBinder};
use crate::error::{Diagnostic, Span};
use crate::parse::ast::{Expr, ExprKind, Ident, WindowArg, WindowArgValue, WindowCall};
use crate::plan::Window;
use crate::rel::{Rel, TimeAttribute, WindowRel, WindowShape};

/// Returns a function's parameter names in order, and its form for error messages.
fn parameters(function: &str) -> Option<(&'static [&'static str], &'static str)> {
    Some(match function {
        "TUMBLE" => {
            (&["DATA", "TIMECOL", "SIZE", "OFFSET"], "TUMBLE(TABLE t, DESCRIPTOR(time), size[, offset])")
        }
        "HOP" => (
            &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
            "HOP(TABLE t, DESCRIPTOR(time), slide, size[, offset])",
        ),
        "CUMULATE" => (
            &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
            "CUMULATE(TABLE t, DESCRIPTOR(time), step, size[, offset])",
        ),
        "SESSION" => {
            (&["DATA", "TIMECOL", "GAP"], "SESSION(TABLE t [PARTITION BY key], DESCRIPTOR(time), gap)")
        }
        _ => return None,
    })
}

/// Arguments indexed by parameter.
type Slots<'a> = [Option<&'a WindowArg>; 5];

/// Binds a window table function.
pub(super) fn window(tables: &mut FromBinder<'_, '_>, call: &WindowCall) -> Bound<Relation> {
    let function = call.function.value.to_ascii_uppercase();
    let Some((names, form)) = parameters(&function) else {
        let error = Diagnostic::error(call.function.span, format!("the window {function} is not supported"))
            .with_hint("there are TUMBLE, HOP, CUMULATE and SESSION");
        return Err(tables.report(error));
    };

    let slots = slots_of(tables.queries(), call, names, form)?;
    let Some(WindowArgValue::Table { from, partition_by, .. }) = slots[0].map(|arg| &arg.value) else {
        let span = slots[0].map_or(call.span, |arg| arg.span);
        let error = Diagnostic::error(span, format!("the first argument of {function} is a table"));
        return Err(tables.report(error.with_hint(format!("write TABLE and its name: {form}"))));
    };

    let relation = tables.input(from)?;
    let Some(WindowArgValue::Descriptor(columns)) = slots[1].map(|arg| &arg.value) else {
        let span = slots[1].map_or(call.span, |arg| arg.span);
        let error =
            Diagnostic::error(span, format!("the second argument of {function} names the time column"));
        return Err(tables.report(error.with_hint("write DESCRIPTOR(time_column)")));
    };

    let time = time_column(tables.queries(), &relation, columns, &function);
    let shape = shape_of(tables.queries(), &function, &slots, call.span, form);
    let (time, shape) = (time?, shape?);
    if !partition_by.is_empty() && !matches!(shape, WindowShape::Session { .. }) {
        let error = Diagnostic::error(partition_by[0].span, "PARTITION BY in a window is not supported")
            .with_hint("TUMBLE, HOP and CUMULATE have no partitions: group by the keys");
        return Err(tables.report(error));
    }

    // Bind the partition keys of session windows over the table's columns.
    let (mut stage, ids) = Stage::over(relation.rel.clone());
    let scope =
        Scope::of(None, relation.columns.iter().map(|column| column.map(&mut |field| ids[field])).collect());
    let keys =
        tables.queries().exprs(stage.graph_mut(), Clause::new(&scope, "in PARTITION BY"), |exprs| {
            exprs.all(partition_by)
        })?;
    let partition = stage.fields_of(&keys, call.span);
    open(tables.queries(), relation, stage, WindowRel { shape, time, partition }, call.span)
}

/// Returns the window that the arguments describe.
fn shape_of(
    binder: &mut QueryBinder<'_>,
    function: &str,
    slots: &Slots<'_>,
    span: Span,
    form: &str,
) -> Bound<WindowShape> {
    if function != "SESSION" {
        return Ok(WindowShape::Sliced(lengths(binder, function, slots, span, form)?));
    }
    let Some(gap) = slots[2] else {
        let error = Diagnostic::error(span, "SESSION needs a gap");
        return Err(binder.report(error.with_hint(format!("it is {form}"))));
    };
    Ok(WindowShape::Session { gap: length(binder, gap, "gap")? })
}

fn slots_of<'a>(
    binder: &mut QueryBinder<'_>,
    call: &'a WindowCall,
    names: &[&str],
    form: &str,
) -> Bound<Slots<'a>> {
    let mut slots: Slots<'a> = [None; 5];
    for (at, arg) in call.args.iter().enumerate() {
        let place = match &arg.name {
            None => (at < names.len()).then_some(at),
            Some(name) => names.iter().position(|known| known.eq_ignore_ascii_case(&name.value)),
        };
        match place {
            Some(place) if slots[place].is_none() => slots[place] = Some(arg),
            _ => {
                let what = match &arg.name {
                    Some(name) => {
                        format!("{} has no place for another `{}`", call.function.value, name.value)
                    }
                    None => {
                        format!("{} does not take {} arguments", call.function.value, call.args.len())
                    }
                };
                let error = Diagnostic::error(arg.span, what).with_hint(format!("it is {form}"));
                return Err(binder.report(error));
            }
        }
    }

    Ok(slots)
}

/// Returns the field of the time column, which must be a time attribute; views may have renamed it.
pub(super) fn time_column(
    binder: &mut QueryBinder<'_>,
    relation: &Relation,
    columns: &[Ident],
    function: &str,
) -> Bound<usize> {
    let [name] = columns else {
        let span = columns[0].span.to(columns[columns.len() - 1].span);
        return Err(binder.report(Diagnostic::error(span, "a window has one time column")));
    };

    let Some(column) = relation.columns.iter().find(|column| column.name == name.value) else {
        let error = Diagnostic::error(name.span, format!("there is no column `{}`", name.value));
        let error = suggest(error, &name.value, &relation.columns);
        return Err(binder.report(error));
    };

    let Cell::Scalar(field) = column.cell else {
        let error = Diagnostic::error(name.span, format!("`{}` is not a time", name.value));
        return Err(binder.report(error));
    };
    if relation.rel.fields[field].time.is_some() {
        return Ok(field);
    }

    let data_type = &relation.rel.fields[field].column_type.data_type;
    let message = if data_type.is_timestamp() {
        format!("`{}` is not an event time", name.value)
    } else {
        format!("{function} needs a TIMESTAMP or TIMESTAMP_LTZ, `{}` is {data_type}", name.value)
    };
    let is_event = |field: &crate::rel::RelField| field.time == Some(TimeAttribute::Event);
    let known = relation.columns.iter().find(|column| match column.cell {
        Cell::Scalar(field) => is_event(&relation.rel.fields[field]),
        _ => false,
    });
    let hint = match known {
        Some(column) => format!("the event time, which has the watermark, is `{}`", column.name),
        None => format!(
            "declare it in the table: WATERMARK FOR {} AS {} - INTERVAL '5' SECOND",
            name.value, name.value
        ),
    };

    Err(binder.report(Diagnostic::error(name.span, message).with_hint(hint)))
}

fn lengths(
    binder: &mut QueryBinder<'_>,
    function: &str,
    slots: &Slots<'_>,
    span: Span,
    form: &str,
) -> Bound<Window> {
    let has_step = function != "TUMBLE";
    let size_at = if has_step { 3 } else { 2 };

    let Some(size_arg) = slots[size_at].filter(|_| !has_step || slots[2].is_some()) else {
        let error = Diagnostic::error(span, format!("{function} needs a length of time"));
        return Err(binder.report(error.with_hint(format!("it is {form}"))));
    };

    let size = length(binder, size_arg, "size")?;
    let step = match slots[2].filter(|_| has_step) {
        Some(arg) => Some((length(binder, arg, if function == "HOP" { "slide" } else { "step" })?, arg.span)),
        None => None,
    };

    let offset = match slots[size_at + 1] {
        Some(arg) => interval(binder, arg)?,
        None => Interval::ZERO,
    };

    if let Some(arg) = slots[size_at + 1].filter(|_| offset.0.abs() >= size.0) {
        let error =
            Diagnostic::error(arg.span, format!("the offset {offset} is not smaller than the size {size}"));
        return Err(binder.report(error));
    }

    let Some((step, step_span)) = step else { return Ok(Window::Tumble { size, offset }) };
    if size.0 % step.0 != 0 {
        let error =
            Diagnostic::error(step_span, format!("the size {size} is not a whole multiple of {step}"));
        return Err(binder.report(error.with_hint(format!("it is {form}"))));
    }

    Ok(match function {
        "HOP" => Window::Hop { size, slide: step, offset },
        _ => Window::Cumulate { size, step, offset },
    })
}

fn length(binder: &mut QueryBinder<'_>, arg: &WindowArg, what: &str) -> Bound<Interval> {
    let length = interval(binder, arg)?;
    if length.0 > 0 {
        return Ok(length);
    }
    Err(binder.report(Diagnostic::error(
        arg.span,
        format!("the {what} of a window must be positive, but is {length}"),
    )))
}

fn interval(binder: &mut QueryBinder<'_>, arg: &WindowArg) -> Bound<Interval> {
    let error = Diagnostic::error(arg.span, "a window's lengths are literals")
        .with_hint("write it like INTERVAL '1' MINUTE");
    let WindowArgValue::Expr(Expr { kind: ExprKind::Literal { value, data_type }, .. }) = &arg.value else {
        return Err(binder.report(error));
    };
    match (value, data_type) {
        (Value::Int(ms), DataType::IntervalDayTime) => Ok(Interval(*ms)),
        (_, DataType::IntervalYearMonth) => {
            let error = Diagnostic::error(
                arg.span,
                "a window's length is not in months or years, which differ in length",
            );
            Err(binder.report(error.with_hint("use days")))
        }
        _ => Err(binder.report(error)),
    }
}

/// Adds the window's columns.
fn open(
    binder: &mut QueryBinder<'_>,
    relation: Relation,
    stage: Stage,
    window: WindowRel,
    span: Span,
) -> Bound<Relation> {
    let names = ["window_start", "window_end", "window_time"];
    for name in names {
        if relation.columns.iter().any(|column| column.name == name) {
            let error = Diagnostic::error(span, format!("the table has a column `{name}` already"))
                .with_hint("the window adds columns of this name: rename the table's in a view");
            return Err(binder.report(error));
        }
    }
    let width = stage.rel().fields.len();
    let mut columns = relation.columns;
    let added = names.iter().enumerate();
    columns
        .extend(added.map(|(at, name)| Column { name: (*name).to_owned(), cell: Cell::Scalar(width + at) }));
    Ok(Relation { rel: Rel::window(stage.into_rel(), window, span), columns, correlated: vec![] })
}
