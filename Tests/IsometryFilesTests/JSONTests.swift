import IsometryFiles
import Testing

@Suite struct JSONValueTests {
  @Test func numbersThatJSONLacksAreNull() {
    let value: JSONValue = [
      "a": .number(.nan), "b": .number(-.infinity), "c": .array([.number(0.1), true, 3, .null]),
    ]
    #expect(value.line == "{\"a\":null,\"b\":null,\"c\":[0.1,true,3,null]}")
  }

  @Test func controlCharactersAndEmptyListsAreValidJSON() {
    #expect(JSONValue.text("\u{1}\\\n").line == #""\u0001\\\n""#)
    for empty in [JSONValue.array([]).indented, JSONValue.array([]).line] { #expect(empty == "[]") }
    for empty in [JSONValue.object([]).indented, JSONValue.object([]).line] {
      #expect(empty == "{}")
    }
  }

  @Test func eachLevelIsIndented() {
    let value: JSONValue = ["b": .array([1, ["a": "x"]]), "c": true]
    #expect(
      value.indented == """
        {
          "b": [
            1,
            {
              "a": "x"
            }
          ],
          "c": true
        }
        """)
  }
}

@Suite struct JSONFileTests {
  private struct Record: Codable, Equatable {
    var b: [Double]
    var a: String
  }

  @Test func filesHoldEveryNumber() throws {
    try withFolder { folder in
      let record = Record(b: [0.1, .infinity, -.infinity], a: "x/y")
      try JSONFile.write(record, to: "\(folder)/record.json")
      #expect(try JSONFile.read(Record.self, from: "\(folder)/record.json") == record)
      let line = try JSONFile.line(record)
      #expect(line == #"{"a":"x/y","b":[0.1,"inf","-inf"]}"#)
      #expect(try JSONFile.decode(Record.self, from: line.utf8) == record)
    }
  }

  @Test func damageIsNamed() throws {
    func damage(_ text: String) -> String {
      do {
        _ = try JSONFile.decode(Record.self, from: text.utf8)
        return "none"
      } catch {
        return JSONFile.damage(in: error)
      }
    }
    #expect(damage("{") == "damaged text")
    #expect(damage("[]") == "an entry of another form at the top")
    #expect(damage(#"{"a": 1, "b": []}"#) == "an entry of another form at a")
    #expect(throws: FileError.self) { try JSONFile.read(Record.self, from: "/nowhere/a") }
  }
}
