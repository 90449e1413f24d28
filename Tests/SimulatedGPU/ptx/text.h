// Pieces of text, for the parser of PTX.
#pragma once

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>
#include <vector>

namespace simulated {

inline bool isSpace(char character) { return std::isspace(static_cast<unsigned char>(character)); }
inline bool isDigit(char character) { return std::isdigit(static_cast<unsigned char>(character)); }
inline bool isAlphanumeric(char character) {
  return std::isalnum(static_cast<unsigned char>(character));
}

inline std::string trimmed(const std::string& text) {
  size_t begin = 0, end = text.size();
  while (begin < end && isSpace(text[begin])) ++begin;
  while (end > begin && isSpace(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (char character : text) {
    if (character == separator)
      parts.emplace_back();
    else
      parts.back() += character;
  }
  return parts;
}

inline std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

// Splits at commas that stand outside of braces, brackets and parentheses.
inline std::vector<std::string> splitOperands(const std::string& text) {
  std::vector<std::string> operands;
  std::string operand;
  int depth = 0;
  for (char character : text) {
    if (std::string("{[(").find(character) != std::string::npos) ++depth;
    if (std::string("}])").find(character) != std::string::npos) --depth;
    if (character == ',' && depth == 0) {
      operands.push_back(trimmed(operand));
      operand.clear();
    } else {
      operand += character;
    }
  }
  if (!trimmed(operand).empty()) operands.push_back(trimmed(operand));
  return operands;
}

inline bool startsWith(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

inline bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace simulated
