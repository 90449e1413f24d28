#include "CIsometryRecipes.h"

// Every file of recipes/, in the order of lists; a test finds those that are missing here.

// #embed is C23; the compiler that Swift ships has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

// A text ends with a zero.
// clang-format off
static const unsigned char quick[] = {
#embed "../../recipes/quick.json" suffix(, 0)
};
static const unsigned char speedrun[] = {
#embed "../../recipes/speedrun.json" suffix(, 0)
};
static const unsigned char resnet20[] = {
#embed "../../recipes/resnet20.json" suffix(, 0)
};
static const unsigned char resnet18[] = {
#embed "../../recipes/resnet18.json" suffix(, 0)
};
// clang-format on

static const struct {
  const char *name;
  const unsigned char *text;
} recipes[] = {
    {"quick", quick},
    {"speedrun", speedrun},
    {"resnet20", resnet20},
    {"resnet18", resnet18},
};

enum { count = sizeof recipes / sizeof *recipes };

const char *isometry_recipe_name(int number) { return number < count ? recipes[number].name : 0; }

const char *isometry_recipe_text(int number) {
  return number < count ? (const char *)recipes[number].text : 0;
}
