// The map of the mesh as people see it.
#include <catch2/catch.hpp>

#include "investigator/topology.h"

namespace {

using namespace mig::investigator;

RelayLine relay(const std::string& name, const std::string& state, std::vector<RelayLine::Link> links) {
  return {name, "id-" + name, {}, "hq", state, 4, 3, 1000, std::move(links)};
}
RelayLine::Link link(const std::string& name, bool both = true) { return {"id-" + name, name, both}; }

const std::vector<RelayLine> mesh = {
    relay("a", "reachable", {link("b"), link("d")}),
    relay("b", "attached", {link("a"), link("c"), link("x", false)}),
    relay("c", "reachable", {link("b"), link("d")}),
    relay("d", "reachable", {link("a"), link("c")}),
    relay("gone", "forgotten", {}),
    relay("x", "unreachable", {}),
};

TEST_CASE("the tree begins where we are attached and shows each relay once, links beside it by name") {
  CHECK(tree_of(mesh, 3000) ==
        "b  hq  3 of 4 online  attached  heard 2s ago  also linked: x (says only one end)\n"
        "├─ a  hq  3 of 4 online  heard 2s ago\n"
        "│  └─ d  hq  3 of 4 online  heard 2s ago  also linked: c\n"
        "└─ c  hq  3 of 4 online  heard 2s ago  also linked: d\n"
        "x  hq  3 of 4 online  unreachable  heard 2s ago\n"
        "gone  hq  3 of 4 online  forgotten  heard 2s ago\n");
}

TEST_CASE("the graph has every link once, and a name cannot break out of its quotes") {
  CHECK(dot_of({relay("a\"]; b", "attached", {{"id-c", "c", false}}), relay("c", "reachable", {{"id-a\"]; b", "a", true}})}) ==
        "graph mesh {\n  node [shape=box];\n"
        "  \"id-a\\\"]; b\" [label=\"a\\\"]; b\\nhq\\n3 of 4 online\", style=bold];\n"
        "  \"id-c\" [label=\"c\\nhq\\n3 of 4 online\"];\n"
        "  \"id-a\\\"]; b\" -- \"id-c\" [style=dashed];\n}\n");
}

}  // namespace
