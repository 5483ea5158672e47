//! Declarations of a session: tables and views are created, replaced and dropped.

use super::{Declared, OBJECTS_MAX, ObjectKind, Outcome, Session, TEXT_MAX, Variables, bound, whole};
use crate::error::Diagnostic;
use crate::parse::ast::{ObjectName, Statement};

impl Session {
    pub(super) fn create(
        &mut self,
        declaration: Statement,
        statement: &str,
        variables: Variables<'_>,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        let (name, kind, if_not_exists, or_replace) = match declaration {
            Statement::CreateTable(table) => (table.name, ObjectKind::Table, table.if_not_exists, false),
            Statement::CreateView(view) => (view.name, ObjectKind::View, view.if_not_exists, view.or_replace),
            _ => return Ok(Outcome::Done),
        };
        if if_not_exists && self.find(&name.value).is_some() {
            return Ok(Outcome::Done);
        }
        self.room_for(statement)?;
        let replaced =
            self.objects.iter().position(|of| or_replace && of.kind == kind && of.name == name.value);
        if let Some(at) = replaced {
            return self.replace_view(at, statement, variables);
        }

        self.compiled(statement, &|script| bound(script, variables))?;
        self.objects.push(Declared { name: name.value, kind, text: statement.to_owned() });
        Ok(Outcome::Done)
    }

    /// Replaces a view at its place, so that views that read it still find it. If the new view reads an
    /// object that was declared later, it is moved to the end.
    fn replace_view(
        &mut self,
        at: usize,
        statement: &str,
        variables: Variables<'_>,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        let mut without = self.clone();
        let mut view = without.objects.remove(at);
        without.compiled(statement, &|script| bound(script, variables))?;

        view.text = statement.to_owned();
        let mut in_place = without.clone();
        in_place.objects.truncate(at);
        let stands_there = in_place.compiled(statement, &|script| bound(script, variables)).is_ok();
        without.objects.insert(if stands_there { at } else { without.objects.len() }, view);
        self.objects = without.objects;
        Ok(Outcome::Done)
    }

    pub(super) fn room_for(&self, statement: &str) -> Result<(), Vec<Diagnostic>> {
        let gathered = self.gathering.iter().flatten().map(String::len);
        let bytes: usize = self.objects.iter().map(|object| object.text.len()).chain(gathered).sum();
        let count = self.objects.len() + self.gathering.as_ref().map_or(0, Vec::len);
        if count < OBJECTS_MAX && bytes.saturating_add(statement.len()) <= TEXT_MAX {
            return Ok(());
        }
        let error = Diagnostic::error(whole(statement), "the session has too many declarations").with_hint(
            format!("drop some: a session holds {OBJECTS_MAX} declarations of {TEXT_MAX} bytes in total"),
        );
        Err(vec![error])
    }

    pub(super) fn drop_object(
        &mut self,
        what: ObjectKind,
        name: &ObjectName,
        if_exists: bool,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        let name = name.last();
        let found = self.objects.iter().position(|of| of.name == name.value && of.kind == what);

        match found {
            Some(at) => {
                self.objects.remove(at);
                Ok(Outcome::Done)
            }
            None if if_exists => Ok(Outcome::Done),
            None => {
                let (kind, other) = match what {
                    ObjectKind::Table => ("table", "view"),
                    ObjectKind::View => ("view", "table"),
                };
                let mut error = self.unknown(name, kind);
                if self.find(&name.value).is_some() {
                    error.hint = Some(format!("it is a {other}: DROP {}", other.to_uppercase()));
                }
                Err(vec![error])
            }
        }
    }
}
