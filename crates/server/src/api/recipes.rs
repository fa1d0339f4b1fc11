//! The recipes that come with the program.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::Json;
use rust_embed::RustEmbed;
use serde::Serialize;
use stimmung::Recipe;
use stimmung::reference::Figure;
use utoipa::ToSchema;

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../../recipes"]
struct Files;

/// Recipes' files; remarks lie beside them.
fn names() -> Vec<Cow<'static, str>> {
    Files::iter().filter(|name| name.ends_with(".toml")).collect()
}

/// All recipes with their texts, `default` first, then by their files' names. They are read once.
static RECIPES: LazyLock<Vec<(Recipe, String)>> = LazyLock::new(|| {
    let mut names = names();
    names.sort_by_key(|name| (name != "default.toml", name.contains('/'), name.clone()));
    let read = |name: &str| {
        let text = String::from_utf8(Files::get(name)?.data.into_owned()).ok()?;
        Some((Recipe::parse(&text, name).ok()?, text))
    };
    names.iter().filter_map(|name| read(name)).collect()
});

/// A recipe's text by its name, if the program has it.
pub(super) fn text(name: &str) -> Option<String> {
    RECIPES.iter().find(|(recipe, _)| recipe.name == name).map(|(_, text)| text.clone())
}

/// A recipe.
#[derive(Serialize, ToSchema)]
struct RecipeEntry {
    name: String,
    description: String,
    /// The corpus that it is for.
    corpus: Option<String>,
    /// The feature set.
    features: String,
    /// The kind of model.
    model: String,
    /// The protocol in words.
    protocol: String,
    /// The published figures that it repeats, if it does.
    published: Vec<PublishedFigure>,
    /// The recipe's file.
    text: String,
}

/// A published figure.
#[derive(Serialize, ToSchema)]
struct PublishedFigure {
    /// The row of the published system.
    row: String,
    /// What is measured.
    figure: String,
    value: f64,
}

/// All recipes.
#[derive(Serialize, ToSchema)]
pub(super) struct RecipeList {
    recipes: Vec<RecipeEntry>,
}

/// The recipes that come with the program
#[utoipa::path(get, path = "/v1/recipes", operation_id = "list_recipes", tag = "training", responses((status = 200, body = RecipeList)))]
pub(super) async fn list() -> Result<Json<RecipeList>, Problem> {
    let recipes = RECIPES.iter().map(|(recipe, text)| {
        let reference = recipe.reference.as_ref();
        let published = reference.into_iter().flat_map(|reference| {
            reference.published.iter().map(|it| PublishedFigure {
                row: reference.row.clone(),
                figure: Figure::name(it.figure).to_owned(),
                value: it.value,
            })
        });
        RecipeEntry {
            published: published.collect(),
            corpus: recipe.corpus.name.clone(),
            features: recipe.features.name().to_owned(),
            model: recipe.model.kind().to_owned(),
            protocol: recipe.protocol.describe(),
            name: recipe.name.clone(),
            description: recipe.description.clone(),
            text: text.clone(),
        }
    });
    Ok(Json(RecipeList { recipes: recipes.collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_there_and_the_default_is_the_first() {
        let names: Vec<&str> = RECIPES.iter().map(|(recipe, _)| recipe.name.as_str()).collect();
        assert_eq!(names.len(), super::names().len(), "all of them can be read");
        assert_eq!(names[0], "default");
        assert!(names.contains(&"r3-model3"));
        assert!(text("r0-model-a").is_some() && text("../default").is_none());
    }
}
