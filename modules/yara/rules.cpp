#include "modules/yara/rules.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <yara.h>

#include <algorithm>

namespace mig::modules::yara {
namespace {

constexpr int seconds_an_object = 10;
/// Our own memory cannot vanish; a mapped file can, and libyara then needs its handlers of signals: six calls an object.
constexpr int flags_for_files = SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_REPORT_RULES_MATCHING;
constexpr int flags_for_bytes = flags_for_files | SCAN_FLAGS_NO_TRYCATCH;

/// The functions of the library, by the types of its header.
struct Library {
  decltype(&yr_initialize) initialize = nullptr;
  decltype(&yr_compiler_create) compiler_create = nullptr;
  decltype(&yr_compiler_destroy) compiler_destroy = nullptr;
  decltype(&yr_compiler_set_callback) compiler_set_callback = nullptr;
  decltype(&yr_compiler_set_include_callback) compiler_set_include_callback = nullptr;
  decltype(&yr_compiler_add_string) compiler_add_string = nullptr;
  decltype(&yr_compiler_get_rules) compiler_get_rules = nullptr;
  decltype(&yr_rules_destroy) rules_destroy = nullptr;
  decltype(&yr_scanner_create) scanner_create = nullptr;
  decltype(&yr_scanner_destroy) scanner_destroy = nullptr;
  decltype(&yr_scanner_set_callback) scanner_set_callback = nullptr;
  decltype(&yr_scanner_set_timeout) scanner_set_timeout = nullptr;
  decltype(&yr_scanner_set_flags) scanner_set_flags = nullptr;
  decltype(&yr_scanner_scan_mem) scan_mem = nullptr;
  decltype(&yr_scanner_scan_fd) scan_fd = nullptr;
  decltype(&yr_scanner_scan_mem_blocks) scan_mem_blocks = nullptr;
  bool whole = true;

  Library() {
    void* library = dlopen("libyara.so.9", RTLD_NOW | RTLD_LOCAL);
    auto take = [&](auto& function, const char* name) {
      function = library ? reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name)) : nullptr;
      whole = whole && function;
    };
    take(initialize, "yr_initialize");
    take(compiler_create, "yr_compiler_create");
    take(compiler_destroy, "yr_compiler_destroy");
    take(compiler_set_callback, "yr_compiler_set_callback");
    take(compiler_set_include_callback, "yr_compiler_set_include_callback");
    take(compiler_add_string, "yr_compiler_add_string");
    take(compiler_get_rules, "yr_compiler_get_rules");
    take(rules_destroy, "yr_rules_destroy");
    take(scanner_create, "yr_scanner_create");
    take(scanner_destroy, "yr_scanner_destroy");
    take(scanner_set_callback, "yr_scanner_set_callback");
    take(scanner_set_timeout, "yr_scanner_set_timeout");
    take(scanner_set_flags, "yr_scanner_set_flags");
    take(scan_mem, "yr_scanner_scan_mem");
    take(scan_fd, "yr_scanner_scan_fd");
    take(scan_mem_blocks, "yr_scanner_scan_mem_blocks");
    whole = whole && initialize() == ERROR_SUCCESS;
  }
};

const Library& library() {
  static const Library the_library;
  return the_library;
}

void on_compiler(int level, const char*, int line, const YR_RULE*, const char* text, void* into) {
  auto& trouble = *static_cast<std::string*>(into);
  if (level == YARA_ERROR_LEVEL_ERROR && trouble.empty()) trouble = fmt::format("line {}: {}", line, text);
}

int on_scanner(YR_SCAN_CONTEXT*, int message, void* data, void* into) {
  if (message == CALLBACK_MSG_RULE_MATCHING)
    static_cast<std::vector<std::string>*>(into)->emplace_back(static_cast<const YR_RULE*>(data)->identifier);
  return CALLBACK_CONTINUE;
}

}  // namespace

core::Result<std::shared_ptr<const Rules>> Rules::compile(const std::string& text) {
  if (!library().whole)
    return core::Error{core::Code::world, "unsupported: libyara (package libyara9) is not installed here"};
  YR_COMPILER* compiler = nullptr;
  if (library().compiler_create(&compiler) != ERROR_SUCCESS)
    return core::Error{core::Code::world, "yara: no memory for its compiler"};
  std::string trouble;
  library().compiler_set_callback(compiler, on_compiler, &trouble);
  library().compiler_set_include_callback(compiler, nullptr, nullptr,
                                          nullptr);  // rules name no files of this machine
  std::shared_ptr<Rules> out(new Rules);
  const int errors = library().compiler_add_string(compiler, text.c_str(), nullptr);
  const int code = errors == 0 ? library().compiler_get_rules(compiler, &out->rules_) : ERROR_SYNTAX_ERROR;
  library().compiler_destroy(compiler);
  if (code == ERROR_SUCCESS) return std::shared_ptr<const Rules>(std::move(out));
  return core::invalid(fmt::format("yara: {}", trouble.empty() ? "the rules do not compile" : trouble));
}

Rules::~Rules() {
  if (rules_) library().rules_destroy(rules_);
}

Scanner::Scanner(const Rules& rules) {
  if (library().scanner_create(rules.rules_, &scanner_) != ERROR_SUCCESS) {
    scanner_ = nullptr;
    return;
  }
  library().scanner_set_callback(scanner_, on_scanner, &found_);
  library().scanner_set_timeout(scanner_, seconds_an_object);
  library().scanner_set_flags(scanner_, flags_for_bytes);
}

Scanner::~Scanner() {
  if (scanner_) library().scanner_destroy(scanner_);
}

core::Result<std::vector<std::string>> Scanner::names(int code) {
  if (code == ERROR_SCAN_TIMEOUT)
    return core::Error{core::Code::world, fmt::format("it took longer than {} s", seconds_an_object)};
  if (code != ERROR_SUCCESS)
    return core::Error{core::Code::world, fmt::format("libyara gave up (error {})", code)};
  std::sort(found_.begin(), found_.end());
  return std::move(found_);
}

core::Result<std::vector<std::string>> Scanner::bytes(std::string_view bytes) {
  found_.clear();
  if (!scanner_) return names(ERROR_INSUFFICIENT_MEMORY);
  return names(
      library().scan_mem(scanner_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

core::Result<std::vector<std::string>> Scanner::file(int fd) {
  found_.clear();
  if (!scanner_) return names(ERROR_INSUFFICIENT_MEMORY);
  library().scanner_set_flags(scanner_, flags_for_files);
  const int code = library().scan_fd(scanner_, fd);
  library().scanner_set_flags(scanner_, flags_for_bytes);
  return names(code);
}

core::Result<std::vector<std::string>> Scanner::blocks(const std::function<bool(Block&)>& next) {
  found_.clear();
  if (!scanner_) return names(ERROR_INSUFFICIENT_MEMORY);
  struct Walk {
    const std::function<bool(Block&)>& next;
    Block block;
    YR_MEMORY_BLOCK shown{};
  } walk{next, {}, {}};
  auto step = [](YR_MEMORY_BLOCK_ITERATOR* self) -> YR_MEMORY_BLOCK* {
    auto& at = *static_cast<Walk*>(self->context);
    self->last_error = ERROR_SUCCESS;
    if (!at.next(at.block)) return nullptr;
    at.shown.size = at.block.bytes.size();
    at.shown.base = at.block.base;
    at.shown.context = &at;
    at.shown.fetch_data = [](YR_MEMORY_BLOCK* block) {
      return reinterpret_cast<const std::uint8_t*>(static_cast<Walk*>(block->context)->block.bytes.data());
    };
    return &at.shown;
  };
  YR_MEMORY_BLOCK_ITERATOR iterator{};
  iterator.context = &walk;
  iterator.first = iterator.next = step;
  return names(library().scan_mem_blocks(scanner_, &iterator));
}

}  // namespace mig::modules::yara
