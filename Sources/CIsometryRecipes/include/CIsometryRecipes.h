#pragma once

// The files of recipes/, embedded when the package was built.

/// The name of a recipe, by its place in the list from 0: the file's name without ".json". NULL behind
/// the last.
const char *_Nullable isometry_recipe_name(int number);

/// The text of the recipe's file; NULL behind the last.
const char *_Nullable isometry_recipe_text(int number);
