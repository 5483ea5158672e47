//! `SHOW`: lists the contents of a session.

use types::{DataType, Value};

use super::{Answer, CATALOG, DATABASE, ObjectKind, Outcome, Session, Variables};
use crate::bind::AGGREGATES;
use crate::error::Diagnostic;
use crate::functions;
use crate::parse::ast::ObjectName;
use crate::parse::command::{Like, Show};

impl Session {
    pub(super) fn show(&self, show: Show, variables: Variables<'_>) -> Result<Outcome, Vec<Diagnostic>> {
        let one = |column: &str, name: &str| Ok(Answer::texts([column], vec![[name.to_owned()]]));
        match show {
            // As in Flink, tables include views.
            Show::Tables(like) => Ok(named("table name", self.names(None), like.as_ref())),
            Show::Views(like) => Ok(named("view name", self.names(Some(ObjectKind::View)), like.as_ref())),
            Show::Functions(like) => Ok(named("function name", function_names(), like.as_ref())),
            Show::UserFunctions => Ok(named("function name", vec![], None)),
            Show::Jobs => Ok(Outcome::ShowJobs),
            Show::Catalogs => one("catalog name", CATALOG),
            Show::Databases => one("database name", DATABASE),
            Show::Modules => one("module name", "core"),
            Show::FullModules => {
                let columns = vec![
                    ("module name".to_owned(), DataType::STRING.nullable()),
                    ("used".to_owned(), DataType::Boolean.nullable()),
                ];
                let rows = vec![vec![Value::Text("core".to_owned()), Value::Bool(true)]];
                Ok(Outcome::Rows(Answer { columns, rows }))
            }
            Show::Jars => Ok(named("jars", vec![], None)),
            Show::Columns(name, like) => {
                let mut described = self.describe(name.last(), variables)?;
                if let (Outcome::Rows(answer), Some(like)) = (&mut described, like) {
                    answer.rows.retain(|row| matches!(&row[0], Value::Text(column) if like.takes(column)));
                }
                Ok(described)
            }
            Show::CurrentCatalog => one("current catalog name", CATALOG),
            Show::CurrentDatabase => one("current database name", DATABASE),
            Show::Create(kind, name) => self.declaration(kind, &name),
        }
    }

    pub(super) fn names(&self, kind: Option<ObjectKind>) -> Vec<String> {
        let of_kind = self.objects.iter().filter(|object| kind.is_none_or(|kind| object.kind == kind));
        of_kind.map(|object| object.name.clone()).collect()
    }

    /// Returns a declaration as it was written.
    fn declaration(&self, kind: ObjectKind, name: &ObjectName) -> Result<Outcome, Vec<Diagnostic>> {
        let name = name.last();
        match self.find(&name.value) {
            Some(object) if object.kind == kind => {
                Ok(Answer::texts(["result"], vec![[super::compose::bare(&object.text).to_owned()]]))
            }
            _ => {
                let what = if kind == ObjectKind::Table { "table" } else { "view" };
                Err(vec![self.unknown(name, what)])
            }
        }
    }
}

fn named(column: &str, mut names: Vec<String>, like: Option<&Like>) -> Outcome {
    names.retain(|name| like.is_none_or(|like| like.takes(name)));
    names.sort_unstable();
    Answer::texts([column], names.into_iter().map(|name| [name]).collect())
}

impl Like {
    fn takes(&self, name: &str) -> bool {
        let is_like = if self.ignores_case {
            functions::is_like(&name.to_lowercase(), &self.pattern.to_lowercase())
        } else {
            functions::is_like(name, &self.pattern)
        };
        is_like.unwrap_or(false) != self.negated
    }
}

/// Returns the names of scalar functions and aggregates, without operators that are written between their
/// arguments.
pub(super) fn function_names() -> Vec<String> {
    let scalars = functions::all().iter().flat_map(|function| [&[function.name], function.aliases].concat());
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    scalars.filter(is_name).chain(AGGREGATES.iter().copied()).map(str::to_lowercase).collect()
}
