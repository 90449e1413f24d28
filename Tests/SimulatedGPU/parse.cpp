// PTX text to functions, and functions to instructions with handlers.
#include "machine.h"
#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <sstream>

namespace ptx {
const char* kindNames[K_COUNT] = {"int", "fp",       "fp64",    "cvt", "move", "setp", "div",
                                  "ldg", "stg",      "lds",     "sts", "ldl",  "stl",  "ldc",
                                  "mma", "ldmatrix", "cpasync", "bar", "ctrl", "sfu"};

static std::vector<std::string> split(const std::string& s, char c) {
  std::vector<std::string> out;
  std::string part;
  for (char x : s) {
    if (x == c) {
      out.push_back(part);
      part.clear();
    } else
      part += x;
  }
  out.push_back(part);
  return out;
}
static std::string trim(const std::string& s) {
  size_t a = s.find_first_not_of(" \t\r\n"), b = s.find_last_not_of(" \t\r\n");
  return a == std::string::npos ? "" : s.substr(a, b - a + 1);
}
static std::vector<std::string> words(const std::string& s) {
  std::vector<std::string> out;
  std::istringstream in(s);
  std::string w;
  while (in >> w) out.push_back(w);
  return out;
}
u32 typeBytes(const std::string& t) {
  if (t == "pred") return 1;
  std::string digits;
  for (char c : t)
    if (isdigit(c)) digits += c;
  if (t == "f16x2" || t == "bf16x2") return 4;
  return digits.empty() ? 4 : std::stoi(digits) / 8;
}

// Declarations: .align A .type name[N]
static Variable declaration(const std::string& text, Space space) {
  Variable v;
  v.space = space;
  std::string head = text, init;
  size_t eq = text.find('=');
  if (eq != std::string::npos) {
    head = trim(text.substr(0, eq));
    init = text.substr(eq + 1);
  }
  u32 element = 1, count = 1;
  std::string type;
  for (auto& w : words(head)) {
    if (w == ".align") continue;
    if (isdigit(w[0])) {
      v.align = std::stoi(w);
      continue;
    }
    if (w[0] == '.') {
      static const std::set<std::string> skip = {".shared", ".local",   ".const",  ".global",
                                                 ".weak",   ".visible", ".extern", ".param",
                                                 ".ptr",    ".common"};
      if (!skip.count(w)) {
        type = w.substr(1);
        element = typeBytes(type);
      }
      continue;
    }
    size_t b = w.find('[');
    v.name = w.substr(0, b);
    if (b != std::string::npos) {
      std::string n = w.substr(b + 1, w.find(']') - b - 1);
      count = n.empty() ? 0 : std::stoul(n);
    }
  }
  v.bytes = element * count;
  v.align = std::max(v.align, element);
  if (!init.empty()) {
    v.init.assign(v.bytes, 0);
    size_t at = 0;
    std::string number;
    auto flush = [&] {
      if (number.empty()) return;
      u64 x;
      if (number.size() > 2 && number[0] == '0' &&
          (number[1] == 'f' || number[1] == 'F' || number[1] == 'd' || number[1] == 'D'))
        x = std::stoull(number.substr(2), nullptr, 16);
      else
        x = number[0] == '-' ? (u64)std::stoll(number, nullptr, 0)
                             : std::stoull(number, nullptr, 0);
      memcpy(v.init.data() + at, &x, element);
      at += element;
      number.clear();
    };
    for (char c : init) {
      if (isalnum(c) || c == '-')
        number += c;
      else
        flush();
    }
    flush();
  }
  return v;
}

static std::vector<Param> parameters(const std::string& text) {
  std::vector<Param> out;
  for (auto& part : split(text, ',')) {
    if (trim(part).empty()) continue;
    Param p;
    Variable v = declaration(trim(part), PARAM);
    p.name = v.name;
    p.bytes = v.bytes;
    p.align = v.align;
    p.pointer = part.find(".ptr") != std::string::npos;
    for (auto& w : words(part))
      if (w[0] == '.' && w != ".param" && w != ".align" && w != ".ptr" && w != ".global" &&
          w != ".shared" && w != ".const" && w != ".local") {
        p.type = w.substr(1);
        break;
      }
    out.push_back(p);
  }
  return out;
}

std::shared_ptr<Module> parse(const std::string& source) {
  auto m = std::make_shared<Module>();
  // Comments out, lines kept.
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size() && source[i]; ++i) {
    if (source[i] == '/' && i + 1 < source.size() && source[i + 1] == '/') {
      while (i < source.size() && source[i] != '\n') ++i;
      text += '\n';
    } else if (source[i] == '/' && i + 1 < source.size() && source[i + 1] == '*') {
      i += 2;
      while (i + 1 < source.size() && !(source[i] == '*' && source[i + 1] == '/')) {
        if (source[i] == '\n') text += '\n';
        ++i;
      }
      ++i;
    } else
      text += source[i];
  }
  m->lines = split(source, '\n');
  size_t i = 0;
  int line = 1;
  auto skip = [&] {
    while (i < text.size() && isspace((unsigned char)text[i])) {
      if (text[i] == '\n') ++line;
      ++i;
    }
  };
  while (true) {
    skip();
    if (i >= text.size()) break;
    size_t start = i;
    auto upto = [&](const char* stops) {
      size_t j = i;
      while (j < text.size() && !strchr(stops, text[j])) ++j;
      return j;
    };
    std::string word = text.substr(i, upto(" \t\n;({") - i);
    if (word == ".version" || word == ".target" || word == ".address_size" || word == ".file") {
      while (i < text.size() && text[i] != '\n') ++i;
      continue;
    }
    // find whether this is a function: .entry or .func before ; or {
    size_t semi = text.find(';', i), brace = text.find('{', i);
    std::string head = text.substr(i, std::min(semi, brace) - i);
    bool function =
        head.find(".entry") != std::string::npos || head.find(".func") != std::string::npos;
    if (function) {
      Function f;
      f.entry = head.find(".entry") != std::string::npos;
      for (size_t k = i; k < std::min(semi, brace); ++k)
        if (text[k] == '\n') ++line;
      std::string h = head.substr(head.find(f.entry ? ".entry" : ".func") + (f.entry ? 6 : 5));
      size_t p = 0;
      auto group = [&]() -> std::string {  // a parenthesised group at p
        size_t e = h.find(')', p);
        std::string g = h.substr(p + 1, e - p - 1);
        p = e + 1;
        return g;
      };
      while (p < h.size() && isspace((unsigned char)h[p])) ++p;
      if (!f.entry && h[p] == '(') f.results = parameters(group());
      while (p < h.size() && isspace((unsigned char)h[p])) ++p;
      size_t q = p;
      while (q < h.size() && !isspace((unsigned char)h[q]) && h[q] != '(') ++q;
      f.name = h.substr(p, q - p);
      p = q;
      while (p < h.size() && isspace((unsigned char)h[p])) ++p;
      if (p < h.size() && h[p] == '(') f.params = parameters(group());
      size_t r = h.find(".reqntid");
      if (r != std::string::npos) {
        std::string n = h.substr(r + 8);
        for (auto& c : n)
          if (c == ',') c = ' ';
        auto w = words(n);
        for (int k = 0; k < 3; ++k)
          f.reqd[k] = k < (int)w.size() && isdigit(w[k][0]) ? std::stoi(w[k]) : 1;
      }
      if (semi < brace) {
        i = semi + 1;
        continue;
      }  // a prototype
      size_t j = brace + 1;
      int depth = 1;
      f.firstLine = line;
      while (j < text.size() && depth) {
        if (text[j] == '{') ++depth;
        if (text[j] == '}') --depth;
        ++j;
      }
      f.body = text.substr(brace + 1, j - brace - 2);
      for (size_t k = brace; k < j; ++k)
        if (text[k] == '\n') ++line;
      i = j;
      m->byName[f.name] = m->functions.size();
      m->functions.push_back(f);
      continue;
    }
    size_t end = text.find(';', i);
    if (end == std::string::npos) break;
    std::string statement = text.substr(i, end - i);
    for (size_t k = i; k < end; ++k)
      if (text[k] == '\n') ++line;
    i = end + 1;
    Space space = statement.find(".shared") != std::string::npos  ? SHARED
                  : statement.find(".const") != std::string::npos ? CONSTANT
                                                                  : GLOBAL;
    Variable v = declaration(statement, space);
    if (v.name.empty()) {
      m->error = "cannot read: " + statement.substr(0, 80);
      return m;
    }
    if (space != SHARED) {
      v.memory = std::make_shared<std::vector<u8>>(v.bytes + 64);
      if (!v.init.empty()) memcpy(v.memory->data(), v.init.data(), v.bytes);
    }
    m->variables[v.name] = v;
    (void)start;
  }
  return m;
}

// ---- decoding ----
namespace {
struct Operand {
  enum K { REG, PRED, IMM, SYM, VEC, MEM, SINK, LABEL } k = SINK;
  std::string name;
  i64 imm = 0;
  bool isNot = false;
  std::vector<Operand> vec;
  i64 offset = 0;
  bool isFloat32 = false;
};

struct Decoder {
  Kernel& k;
  Module& m;
  struct Reg {
    int at;
    int bytes;
    bool pred;
  };
  std::map<std::string, Reg> regs;  // of the function being decoded
  std::map<std::pair<u64, int>, int> constants;
  std::vector<std::pair<int, std::pair<u64, int>>> constantPlaces;
  std::map<std::string, int> frame;  // local variables and call parameters: offsets in the frame
  std::map<std::string, int> frameSizes;
  std::map<std::string, u32> paramAt;  // of the kernel's parameters
  std::map<std::string, int> functionIndex;
  int frameBytes = 0, frameBase = 0;
  bool isEntry = true;
  std::string error;

  Decoder(Kernel& k) : k(k), m(*k.module) {}

  int allocate(int bytes) {
    int at = k.registerBytes;
    k.registerBytes += 32 * bytes;
    return at;
  }
  int constant(u64 value, int bytes) {
    auto key = std::make_pair(value, bytes);
    auto it = constants.find(key);
    if (it != constants.end()) return it->second;
    int at = allocate(bytes);
    constants[key] = at;
    constantPlaces.push_back({at, key});
    return at;
  }
  int special(const std::string& name) {
    auto it = k.special.find(name);
    if (it != k.special.end()) return it->second.first;
    int at = allocate(4);
    k.special[name] = {at, 4};
    return at;
  }
  [[noreturn]] void fail(const std::string& what) { throw std::string(what); }

  Operand operand(std::string s) {
    s = trim(s);
    Operand o;
    if (s.empty()) fail("empty operand");
    if (s == "_") {
      o.k = Operand::SINK;
      return o;
    }
    if (s[0] == '{') {
      o.k = Operand::VEC;
      for (auto& p : split(s.substr(1, s.rfind('}') - 1), ',')) o.vec.push_back(operand(p));
      return o;
    }
    if (s[0] == '[') {
      o.k = Operand::MEM;
      std::string in = trim(s.substr(1, s.rfind(']') - 1));
      size_t plus = in.find_first_of("+", 1);
      std::string base = plus == std::string::npos ? in : trim(in.substr(0, plus));
      if (plus != std::string::npos) {
        std::string n = trim(in.substr(plus + 1));
        o.offset = std::stoll(n, nullptr, 0);
      }
      o.name = base;
      return o;
    }
    if (s[0] == '!') {
      o = operand(s.substr(1));
      o.isNot = true;
      return o;
    }
    if (isdigit((unsigned char)s[0]) || (s[0] == '-' && s.size() > 1)) {
      o.k = Operand::IMM;
      if (s.size() == 10 && s[0] == '0' && (s[1] == 'f' || s[1] == 'F')) {
        o.imm = (i64)std::stoull(s.substr(2), nullptr, 16);
        o.isFloat32 = true;
        return o;
      }
      if (s.size() == 18 && s[0] == '0' && (s[1] == 'd' || s[1] == 'D')) {
        o.imm = (i64)std::stoull(s.substr(2), nullptr, 16);
        return o;
      }
      if (s.back() == 'U') s.pop_back();
      o.imm = s[0] == '-' ? std::stoll(s, nullptr, 0) : (i64)std::stoull(s, nullptr, 0);
      return o;
    }
    auto it = regs.find(s);
    if (it != regs.end()) {
      o.k = it->second.pred ? Operand::PRED : Operand::REG;
      o.name = s;
      return o;
    }
    if (s[0] == '%') {
      o.k = Operand::REG;
      o.name = s;
      return o;
    }
    o.k = Operand::SYM;
    o.name = s;
    return o;
  }
  u64 symbol(const std::string& name, Space* space = nullptr) {
    auto f = frame.find(name);
    if (f != frame.end()) {
      if (space) *space = LOCAL;
      return frameBase + f->second;
    }
    auto s = k.sharedAt.find(name);
    if (s != k.sharedAt.end()) {
      if (space) *space = SHARED;
      return s->second;
    }
    auto v = m.variables.find(name);
    if (v != m.variables.end()) {
      if (v->second.space == SHARED) {
        u32 at = addShared(v->second);
        if (space) *space = SHARED;
        return at;
      }
      if (space) *space = CONSTANT;
      return (u64)(size_t)v->second.memory->data();
    }
    auto p = paramAt.find(name);
    if (p != paramAt.end()) {
      if (space) *space = PARAM;
      return p->second;
    }
    fail("unknown symbol " + name);
  }
  u32 addShared(const Variable& v) {
    u32 at = (k.sharedBytes + v.align - 1) / v.align * v.align;
    k.sharedBytes = at + v.bytes;
    k.sharedAt[v.name] = at;
    return at;
  }
  // Offset of a source in the register file.
  int source(const Operand& o, int bytes) {
    int storage = bytes == 8 ? 8 : 4;
    switch (o.k) {
      case Operand::IMM: {
        u64 v = (u64)o.imm;
        if (bytes == 4) v &= 0xFFFFFFFFu;
        if (bytes == 2) v &= 0xFFFFu;
        if (bytes == 1) v &= 0xFFu;
        return constant(v, storage);
      }
      case Operand::SYM: return constant(symbol(o.name), storage);
      case Operand::REG: {
        auto it = regs.find(o.name);
        if (it == regs.end()) {
          static const std::set<std::string> known = {
              "%tid.x",   "%tid.y",   "%tid.z",   "%ntid.x",   "%ntid.y",   "%ntid.z",
              "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z",
              "%laneid",  "%warpid",  "%envreg0", "%envreg1",  "%envreg2",  "%envreg3",
              "%envreg4", "%envreg5", "%envreg6"};
          if (!known.count(o.name)) fail("unknown register " + o.name);
          return special(o.name);
        }
        if (it->second.bytes == 8 && storage == 4)
          return -it->second.at - 1;  // narrowed by the caller
        if (it->second.bytes == 4 && storage == 8)
          fail("a 32-bit register as 64-bit operand " + o.name);
        return it->second.at;
      }
      default: fail("cannot be a source: " + o.name);
    }
  }
  int dest(const Operand& o, int bytes) {
    if (o.k == Operand::SINK) return allocate(8);
    auto it = regs.find(o.name);
    if (it == regs.end() || it->second.pred) fail("cannot be a destination: " + o.name);
    if ((bytes == 8) != (it->second.bytes == 8)) fail("register of another size: " + o.name);
    return it->second.at;
  }
  int pred(const Operand& o) {
    if (o.k == Operand::SINK) return k.predicates++;
    auto it = regs.find(o.name);
    if (it == regs.end() || !it->second.pred) fail("no predicate: " + o.name);
    return it->second.at;
  }

  void declareRegs(const std::string& s) {  // after ".reg"
    auto w = words(s);
    std::string type = w[0].substr(1);
    std::string rest = trim(s.substr(s.find(w[0]) + w[0].size()));
    for (auto& part : split(rest, ',')) {
      std::string n = trim(part);
      size_t a = n.find('<');
      int count = 1;
      bool many = a != std::string::npos;
      if (many) {
        count = std::stoi(n.substr(a + 1));
        n = n.substr(0, a);
      }
      for (int i = 0; i < count; ++i) {
        std::string name = many ? n + std::to_string(i) : n;
        if (type == "pred") {
          if (!regs.count(name)) regs[name] = {k.predicates++, 1, true};
          continue;
        }
        int bytes = typeBytes(type) == 8 ? 8 : 4;
        if (regs.count(name) && regs[name].bytes == bytes) continue;
        regs[name] = {allocate(bytes), bytes, false};
      }
    }
  }

  void address(Ins& n, const Operand& o) {
    n.offset = o.offset;
    auto it = regs.find(o.name);
    if (it != regs.end()) {
      n.base = it->second.at;
      n.base64 = it->second.bytes == 8;
      return;
    }
    Space space = n.space;
    if (isdigit((unsigned char)o.name[0])) {
      n.offset += std::stoll(o.name, nullptr, 0);
      return;
    }
    n.offset += (i64)symbol(o.name, &space);
    if (n.space == PARAM && space == LOCAL) n.space = LOCAL;  // parameters of calls
    if (n.space == GENERIC) n.space = space;
  }

  Code function(int index) {
    const Function& f = m.functions[index];
    Code code;
    code.name = f.name;
    regs.clear();
    frame.clear();
    frameSizes.clear();
    frameBytes = 0;
    isEntry = f.entry;
    auto addFrame = [&](const std::string& name, int bytes, int align) {
      if (align < 8) align = 8;
      frameBytes = (frameBytes + align - 1) / align * align;
      frame[name] = frameBytes;
      frameSizes[name] = bytes;
      frameBytes += bytes;
    };
    if (!f.entry) {
      for (auto& p : f.params) addFrame(p.name, p.bytes, p.align);
      for (auto& p : f.results) addFrame(p.name, p.bytes, p.align);
    }
    // statements
    struct Statement {
      std::string text;
      int line;
    };
    std::vector<Statement> statements;
    std::map<std::string, int> labels;
    {
      const std::string& b = f.body;
      size_t i = 0;
      int line = f.firstLine;
      while (true) {
        while (i < b.size() && isspace((unsigned char)b[i])) {
          if (b[i] == '\n') ++line;
          ++i;
        }
        if (i >= b.size()) break;
        if (b[i] == '{' || b[i] == '}') {
          ++i;
          continue;
        }
        if (b.compare(i, 5, ".loc ") == 0 || b.compare(i, 5, ".loc\t") == 0 ||
            b.compare(i, 5, ".file") == 0) {
          while (i < b.size() && b[i] != '\n') ++i;
          continue;
        }
        size_t j = i;
        while (j < b.size() && (isalnum((unsigned char)b[j]) || strchr("_$%.", b[j]))) ++j;
        if (j < b.size() && b[j] == ':' && b[i] != '%') {
          labels[b.substr(i, j - i)] = statements.size();
          i = j + 1;
          continue;
        }
        size_t e = b.find(';', i);
        if (e == std::string::npos) e = b.size();
        statements.push_back({trim(b.substr(i, e - i)), line});
        for (size_t q = i; q < e; ++q)
          if (b[q] == '\n') ++line;
        i = e + 1;
      }
    }
    std::vector<int> at(statements.size() + 1);  // statement -> instruction
    std::vector<std::pair<int, std::string>> branches;
    for (size_t s = 0; s < statements.size(); ++s) {
      at[s] = code.ins.size();
      std::string t = statements[s].text;
      if (t.empty()) continue;
      if (t.compare(0, 4, ".reg") == 0) {
        declareRegs(trim(t.substr(4)));
        continue;
      }
      if (t.compare(0, 7, ".pragma") == 0) continue;
      if (t.compare(0, 7, ".shared") == 0) {
        Variable v = declaration(t, SHARED);
        if (!k.sharedAt.count(v.name)) addShared(v);
        continue;
      }
      if (t.compare(0, 6, ".local") == 0 || t.compare(0, 6, ".param") == 0) {
        Variable v = declaration(t, LOCAL);
        addFrame(v.name, v.bytes, v.align);
        continue;
      }
      Ins n;
      n.line = statements[s].line;
      n.text = t;
      for (auto& c : n.text)
        if (c == '\n' || c == '\t') c = ' ';
      try {
        instruction(n, t, branches, code);
      } catch (std::string& e) {
        fail("line " + std::to_string(n.line) + ": " + n.text + ": " + e);
      } catch (std::exception& e) {
        fail("line " + std::to_string(n.line) + ": " + n.text + ": " + e.what());
      }
      code.ins.push_back(n);
    }
    at[statements.size()] = code.ins.size();
    {
      Ins n;
      n.control = RETURN;
      n.kind = K_CTRL;
      n.text = "(end)";
      code.ins.push_back(n);
    }
    for (auto& [i, label] : branches) {
      auto it = labels.find(label);
      if (it == labels.end()) fail("no label " + label);
      code.ins[i].target = at[it->second];
    }
    code.frameBytes = (frameBytes + 15) / 16 * 16;
    code.frame = frame;
    code.frameBase = frameBase;
    frameBase += code.frameBytes;
    postDominators(code);
    return code;
  }

  // join of each conditional branch: its immediate post-dominator.
  void postDominators(Code& code) {
    int n = code.ins.size();
    std::vector<char> leader(n + 1, 0);
    leader[0] = 1;
    for (int i = 0; i < n; ++i) {
      auto& x = code.ins[i];
      if (x.control == BRANCH) {
        leader[x.target] = 1;
        leader[i + 1] = 1;
      }
      if (x.control == RETURN) leader[i + 1] = 1;
    }
    std::vector<int> block(n + 1, -1), first, last;
    for (int i = 0; i < n; ++i) {
      if (leader[i]) {
        first.push_back(i);
        last.push_back(i);
      }
      block[i] = first.size() - 1;
      last.back() = i;
    }
    int B = first.size(), exit = B;
    std::vector<std::vector<int>> succ(B + 1);
    for (int b = 0; b < B; ++b) {
      auto& x = code.ins[last[b]];
      if (x.control == BRANCH) {
        succ[b].push_back(block[x.target]);
        if (x.guard >= 0) succ[b].push_back(last[b] + 1 < n ? block[last[b] + 1] : exit);
      } else if (x.control == RETURN) {
        succ[b].push_back(exit);
        if (x.guard >= 0) succ[b].push_back(block[last[b] + 1]);
      } else
        succ[b].push_back(last[b] + 1 < n ? block[last[b] + 1] : exit);
    }
    // post-dominators by iteration (Cooper, Harvey, Kennedy) on the reversed graph
    std::vector<std::vector<int>> pred(B + 1);
    for (int b = 0; b < B; ++b)
      for (int s : succ[b]) pred[s].push_back(b);
    std::vector<int> order, number(B + 1, -1);
    std::vector<char> seen(B + 1, 0);
    std::vector<std::pair<int, size_t>> stack{{exit, 0}};
    seen[exit] = 1;
    while (!stack.empty()) {
      auto& [b, i] = stack.back();
      if (i < pred[b].size()) {
        int p = pred[b][i++];
        if (!seen[p]) {
          seen[p] = 1;
          stack.push_back({p, 0});
        }
      } else {
        number[b] = order.size();
        order.push_back(b);
        stack.pop_back();
      }
    }
    std::vector<int> idom(B + 1, -1);
    idom[exit] = exit;
    bool changed = true;
    while (changed) {
      changed = false;
      for (int q = (int)order.size() - 1; q >= 0; --q) {
        int b = order[q];
        if (b == exit) continue;
        int fresh = -1;
        for (int s : succ[b]) {
          if (number[s] < 0 || idom[s] < 0) continue;
          if (fresh < 0) {
            fresh = s;
            continue;
          }
          int x = fresh, y = s;
          while (x != y) {
            while (number[x] < number[y]) x = idom[x];
            while (number[y] < number[x]) y = idom[y];
          }
          fresh = x;
        }
        if (fresh >= 0 && idom[b] != fresh) {
          idom[b] = fresh;
          changed = true;
        }
      }
    }
    for (int b = 0; b < B; ++b) {
      auto& x = code.ins[last[b]];
      if (x.control == BRANCH && x.guard >= 0) {
        int d = idom[b];
        x.join = d < 0 || d == exit ? n : first[d];
      }
    }
  }

  void instruction(Ins& n, std::string t, std::vector<std::pair<int, std::string>>& branches,
                   Code& code) {
    if (t[0] == '@') {
      size_t e = t.find_first_of(" \t");
      std::string g = t.substr(1, e - 1);
      t = trim(t.substr(e));
      if (g[0] == '!') {
        n.guardNot = true;
        g = g.substr(1);
      }
      n.guard = pred(operand(g));
    }
    size_t e = 0;
    while (e < t.size() && !isspace((unsigned char)t[e])) ++e;
    std::string op = t.substr(0, e), rest = trim(t.substr(e));
    auto parts = split(op, '.');
    const std::string& name = parts[0];
    std::string type = parts.back();
    auto has = [&](const char* w) {
      return std::find(parts.begin(), parts.end(), w) != parts.end();
    };
    std::vector<std::string> texts;
    {
      int depth = 0;
      std::string cur;
      for (char c : rest) {
        if (strchr("{[(", c)) ++depth;
        if (strchr("}])", c)) --depth;
        if (c == ',' && !depth) {
          texts.push_back(cur);
          cur.clear();
        } else
          cur += c;
      }
      if (!trim(cur).empty()) texts.push_back(cur);
    }

    if (name == "bra") {
      n.control = BRANCH;
      n.kind = K_CTRL;
      branches.push_back({(int)code.ins.size(), trim(texts[0])});
      return;
    }
    if (name == "ret" || name == "exit") {
      n.control = RETURN;
      n.kind = K_CTRL;
      return;
    }
    if (name == "call") {
      n.control = CALL;
      n.kind = K_CTRL;
      std::vector<std::string> results, arguments;
      std::string callee;
      auto list = [&](const std::string& s) {
        std::vector<std::string> o;
        std::string in = trim(s);
        in = in.substr(1, in.size() - 2);
        for (auto& p : split(in, ','))
          if (!trim(p).empty()) o.push_back(trim(p));
        return o;
      };
      size_t i = 0;
      if (trim(texts[0])[0] == '(') results = list(texts[i++]);
      callee = trim(texts[i++]);
      if (i < texts.size()) arguments = list(texts[i]);
      auto it = m.byName.find(callee);
      if (it == m.byName.end()) fail("no function " + callee);
      if (!functionIndex.count(callee)) {
        int index = functionIndex.size() + 1;
        functionIndex[callee] = index;
        pendingFunctions.push_back(callee);
      }
      n.callee = functionIndex[callee];
      const Function& f = m.functions[it->second];
      // Places in the callee's frame follow from its declaration alone.
      int offset = 0;
      std::map<std::string, int> there;
      auto add = [&](const Param& p) {
        int align = std::max<int>(p.align, 8);
        offset = (offset + align - 1) / align * align;
        there[p.name] = offset;
        offset += p.bytes;
      };
      for (auto& p : f.params) add(p);
      for (auto& p : f.results) add(p);
      for (size_t a = 0; a < arguments.size(); ++a)
        n.args.push_back({frameBase + frame.at(arguments[a]),
                          {there[f.params[a].name], (int)f.params[a].bytes}});
      for (size_t a = 0; a < results.size(); ++a)
        n.results.push_back({frameBase + frame.at(results[a]),
                             {there[f.results[a].name], (int)f.results[a].bytes}});
      return;
    }
    if ((name == "bar" || name == "barrier") && !has("warp")) {
      n.control = BARRIER;
      n.kind = K_BAR;
      return;
    }

    std::vector<Operand> o;
    for (auto& x : texts) {
      size_t bar = x.find('|');
      if (bar != std::string::npos && x.find('%') != std::string::npos) {
        o.push_back(operand(x.substr(0, bar)));
        o.push_back(operand(x.substr(bar + 1)));
      } else
        o.push_back(operand(x));
    }
    Lookup q{n, parts, name, type};
    q.bytes = typeBytes(type);

    if (name == "ld" || name == "ldu" || name == "st") {
      bool load = name != "st";
      n.nc = has("nc");
      n.space = has("global")   ? GLOBAL
                : has("shared") ? SHARED
                : has("local")  ? LOCAL
                : has("param")  ? PARAM
                : has("const")  ? CONSTANT
                                : GENERIC;
      n.vec = has("v2") ? 2 : has("v4") ? 4 : 1;
      n.size = q.bytes;
      n.sext = type[0] == 's';
      const Operand& mem = o[load ? 0 + 1 : 0];
      const Operand& data = o[load ? 0 : 1];
      address(n, mem);
      for (int i = 0; i < n.vec; ++i) {
        const Operand& d = n.vec == 1 && data.k != Operand::VEC ? data : data.vec[i];
        if (load) {
          if (d.k == Operand::SINK) {
            n.o[i] = allocate(8);
            continue;
          }
          auto it = regs.find(d.name);
          if (it == regs.end()) fail("no register");
          n.o[i] = it->second.at;
          n.wide = it->second.bytes == 8;
        } else {
          if (d.k == Operand::IMM) {
            n.o[i] = source(d, q.bytes);
            n.wide = q.bytes == 8;
          } else {
            auto it = regs.find(d.name);
            if (it == regs.end()) {
              if (d.k == Operand::SYM) {
                n.o[i] = source(d, q.bytes);
                n.wide = q.bytes == 8;
                continue;
              }
              fail("no register");
            }
            n.o[i] = it->second.at;
            n.wide = it->second.bytes == 8;
          }
        }
      }
      static const Kind loads[] = {K_LDG, K_LDG, K_LDS, K_LDL, K_LDC, K_LDC},
                        stores[] = {K_STG, K_STG, K_STS, K_STL, K_STL, K_STG};
      n.kind = load ? loads[n.space] : stores[n.space];
      n.fn = load ? loadFunction(n.space) : storeFunction(n.space);
      return;
    }
    if (name == "mma") {
      n.kind = K_MMA;  // d, a, b, c
      int at = 0;
      for (int v = 0; v < 4; ++v)
        for (auto& x : o[v].vec) n.o[at++] = v == 0 ? dest(x, 4) : source(x, 4);
      n.fn = mmaFunction(op);
      if (!n.fn) fail("unsupported");
      return;
    }
    if (name == "ldmatrix") {
      n.kind = K_LDMATRIX;
      n.space = SHARED;
      n.vec = o[0].vec.size();
      for (size_t i = 0; i < o[0].vec.size(); ++i) n.o[i] = dest(o[0].vec[i], 4);
      address(n, o[1]);
      n.sext = has("trans");
      n.fn = ldmatrixFunction();
      return;
    }
    if (name == "cp" && has("async")) {
      n.kind = K_CPASYNC;
      if (has("commit_group")) {
        n.fn = commitFunction();
        n.kind = K_CTRL;
        return;
      }
      if (has("wait_group") || has("wait_all")) {
        n.offset = has("wait_all") ? 0 : o[0].imm;
        n.sext = has("wait_all");
        n.fn = waitFunction();
        n.kind = K_BAR;
        return;
      }
      Ins other;
      other.space = GLOBAL;
      address(other, o[1]);
      n.space = SHARED;
      address(n, o[0]);
      n.o[0] = other.base;
      n.o[1] = other.base64;
      n.args.push_back({(int)other.offset, {0, 0}});
      n.size = (u8)o[2].imm;
      n.o[2] = o.size() > 3 ? source(o[3], 4) : -1;
      n.fn = copyFunction();
      return;
    }
    if (name == "wgmma") {
      n.kind = K_CTRL;
      n.fn = nothing;
      return;
    }
    if (name == "bar" && has("warp")) {
      n.kind = K_BAR;
      n.fn = warpBarrierFunction();
      return;
    }
    if (name == "membar" || name == "fence") {
      n.kind = K_BAR;
      n.fn = nothing;
      return;
    }
    if (name == "cvta") {
      n.kind = K_MOVE;
      Space s = has("local") ? LOCAL : has("shared") ? SHARED : GLOBAL;
      n.offset = s == LOCAL ? (i64)LOCAL_TAG : s == SHARED ? (i64)SHARED_TAG : 0;
      if (has("to")) n.offset = -n.offset;
      n.o[0] = dest(o[0], q.bytes);
      n.o[1] = source(o[1], q.bytes);
      n.fn = q.bytes == 8 ? add64 : add32;
      return;
    }
    if (name == "shfl") {
      n.kind = K_MOVE;
      int i = 1;
      n.o[0] = dest(o[0], 4);
      n.o[4] = -1;
      if (o[1].k == Operand::PRED) {
        n.o[4] = pred(o[1]);
        i = 2;
      }
      for (int v = 0; v < 3; ++v) n.o[1 + v] = source(o[i + v], 4);
      n.size = has("up") ? 0 : has("down") ? 1 : has("bfly") ? 2 : 3;
      n.fn = shuffleFunction();
      return;
    }

    if (name == "mov") {
      n.kind = K_MOVE;
      if (type == "pred") {
        n.o[0] = pred(o[0]);
        if (o[1].k == Operand::IMM) {
          n.o[1] = -1;
          n.offset = o[1].imm ? -1 : 0;
        } else
          n.o[1] = pred(o[1]);
        n.fn = movePredicate;
        return;
      }
      if (o[0].k == Operand::VEC) {  // unpack
        n.vec = o[0].vec.size();
        int part = q.bytes / n.vec;
        for (int i = 0; i < n.vec; ++i)
          n.o[1 + i] = o[0].vec[i].k == Operand::SINK ? allocate(8) : regs.at(o[0].vec[i].name).at;
        n.o[0] = source(o[1], q.bytes);
        n.size = part;
        n.fn = q.bytes == 8 ? unpack64 : unpack32;
        return;
      }
      if (o[1].k == Operand::VEC) {
        n.vec = o[1].vec.size();
        n.size = q.bytes / n.vec;
        n.o[0] = dest(o[0], q.bytes);
        for (int i = 0; i < n.vec; ++i) n.o[1 + i] = source(o[1].vec[i], n.size);
        n.fn = q.bytes == 8 ? pack64 : pack32;
        return;
      }
      n.o[0] = dest(o[0], q.bytes);
      n.o[1] = source(o[1], q.bytes);
      n.fn = q.bytes == 8 ? move64 : move32;
      return;
    }
    if (name == "setp" || name == "set") {
      n.kind = K_SETP;
      n.o[0] = pred(o[0]);
      size_t i = 1;
      n.o[3] = -1;
      n.o[4] = -1;
      size_t want = 3;
      bool boolean = has("and") || has("or") || has("xor");
      if (boolean) want = 4;
      if (o.size() == want + 1) {
        n.o[3] = pred(o[1]);
        i = 2;
      }
      n.o[1] = source(o[i], q.bytes);
      n.o[2] = source(o[i + 1], q.bytes);
      if (boolean) {
        n.o[4] = pred(o[i + 2]);
        n.sext = o[i + 2].isNot;
        n.size = has("and") ? 0 : has("or") ? 1 : 2;
      }
      n.fn = setpFunction(parts[1], type);
      if (!n.fn) fail("unsupported");
      return;
    }
    if (name == "selp") {
      n.kind = K_MOVE;
      n.o[0] = dest(o[0], q.bytes);
      n.o[1] = source(o[1], q.bytes);
      n.o[2] = source(o[2], q.bytes);
      n.o[3] = pred(o[3]);
      n.fn = q.bytes == 8 ? select64 : select32;
      return;
    }
    if (type == "pred") {
      n.kind = K_SETP;
      n.o[0] = pred(o[0]);
      n.o[1] = pred(o[1]);
      n.o[2] = o.size() > 2 ? pred(o[2]) : 0;
      n.size = name == "and" ? 0 : name == "or" ? 1 : name == "xor" ? 2 : 3;
      n.fn = predicateLogic;
      return;
    }
    if (name == "cvt") {
      n.kind = K_CVT;
      std::string dt = parts[parts.size() - 2];
      u32 db = typeBytes(dt);
      n.fn = convertFunction(parts);
      if (!n.fn) fail("unsupported");
      if (type == "f32" && (dt == "bf16x2" || dt == "f16x2")) {
        n.o[0] = dest(o[0], 4);
        n.o[1] = source(o[1], 4);
        n.o[2] = source(o[2], 4);
        return;
      }
      // Narrowing reads of wide registers do not occur: source sizes are checked.
      n.o[0] = regs.at(o[0].name).at;
      if ((db == 8) != (regs.at(o[0].name).bytes == 8)) fail("destination of another size");
      n.o[1] = source(o[1], q.bytes);
      if (n.o[1] < 0) {
        Ins low;
        low.line = n.line;
        low.text = n.text;
        low.guard = n.guard;
        low.guardNot = n.guardNot;
        low.kind = K_CTRL;
        low.fn = narrow;
        low.o[0] = allocate(4);
        low.o[1] = -n.o[1] - 1;
        n.o[1] = low.o[0];
        code.ins.push_back(low);
      }
      return;
    }
    // arithmetic
    n.fn = arithmeticFunction(q);
    if (!n.fn) fail("unsupported");
    bool wide = has("wide");
    int db = wide ? 2 * q.bytes : q.bytes;
    if (name == "popc" || name == "clz" || name == "bfind") db = 4;
    n.kind = type[0] == 'f' ? (q.bytes == 8 ? K_FP64 : K_FP) : K_INT;
    if (name == "div" || name == "rem") n.kind = K_DIV;
    if (name == "rcp" || name == "sqrt" || name == "rsqrt" || name == "ex2" || name == "lg2" ||
        name == "sin" || name == "cos" || name == "tanh")
      n.kind = K_SFU;
    n.o[0] = dest(o[0], db);
    bool shift = name == "shl" || name == "shr", field = name == "bfe" || name == "bfi";
    for (size_t i = 1; i < o.size(); ++i) {
      int b = q.bytes;
      if (shift && i == 2) b = 4;
      if (field && i + (name == "bfe" ? 0 : 0) >= (name == "bfe" ? 2u : 3u)) b = 4;
      if (wide && i == 3) b = db;
      n.o[i] = source(o[i], b);
      if (n.o[i] < 0) fail("operand of another size");
    }
    if (name == "mad" && has("hi")) fail("unsupported");
  }
  std::vector<std::string> pendingFunctions;
};
}  // namespace

std::shared_ptr<Kernel> decode(std::shared_ptr<Module> module, const std::string& name) {
  auto k = std::make_shared<Kernel>();
  k->module = module;
  auto it = module->byName.find(name);
  if (it == module->byName.end() || !module->functions[it->second].entry) {
    k->error = "no entry " + name;
    return k;
  }
  k->entry = &module->functions[it->second];
  Decoder d(*k);
  for (auto& p : k->entry->params) {
    k->paramBytes = (k->paramBytes + p.align - 1) / p.align * p.align;
    if (k->paramBytes % std::max<u32>(1, p.bytes > 8 ? p.align : p.bytes))
      k->paramBytes = (k->paramBytes + p.bytes - 1) / p.bytes * p.bytes;
    d.paramAt[p.name] = k->paramBytes;
    k->paramOffsets.push_back(k->paramBytes);
    k->paramBytes += p.bytes;
  }
  try {
    k->codes.push_back(d.function(it->second));
    int most = 0;
    while (!d.pendingFunctions.empty()) {
      std::string f = d.pendingFunctions.back();
      d.pendingFunctions.pop_back();
      int index = d.functionIndex[f];
      Code c = d.function(module->byName[f]);
      if ((int)k->codes.size() <= index) k->codes.resize(index + 1);
      most += c.frameBytes;
      k->codes[index] = c;
    }
    k->localBytes = d.frameBase + 64;
    (void)most;
  } catch (std::string& e) {
    k->error = e;
    return k;
  }
  for (const char* s : {"%tid.x", "%tid.y", "%tid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%ntid.x",
                        "%ntid.y", "%ntid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z"})
    d.special(s);
  k->registerTemplate.assign(k->registerBytes, 0xFF);
  for (auto& [at, key] : d.constantPlaces)
    for (int l = 0; l < 32; ++l)
      memcpy(k->registerTemplate.data() + at + l * key.second, &key.first, key.second);
  for (auto& [n, place] : k->special) {
    u32 v = 0;
    for (int l = 0; l < 32; ++l) {
      if (n == "%laneid") v = l;
      memcpy(k->registerTemplate.data() + place.first + 4 * l, &v, 4);
    }
  }
  return k;
}
}  // namespace ptx
