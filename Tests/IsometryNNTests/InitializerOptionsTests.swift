import IsometryCore
import IsometryNN
import Testing

@Suite struct InitializerOptionsTests {
  private func error(_ text: String) -> InitializationError? {
    do {
      _ = try InitializerRegistry.make(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func everyRegisteredNameMakesItsInitializer() throws {
    #expect(Set(InitializerRegistry.names).count == InitializerRegistry.types.count)
    for type in InitializerRegistry.types {
      #expect(try Swift.type(of: InitializerRegistry.make(type.name)).name == type.name)
      #expect(!type.summary.isEmpty && !type.conditions.isEmpty)
      #expect(Set(type.options.map(\.name)).count == type.options.count)
    }
    let risotto = try #require(
      try InitializerRegistry.make("risotto:alpha=0.3,head=plain") as? Risotto)
    #expect(risotto.alpha == 0.3 && risotto.blockTraits.hasMultiplier)
    let he = try #require(try InitializerRegistry.make("he:fan=out") as? He)
    #expect(he.fan == .out && he.distribution == .normal && he.blockTraits == BlockTraits())
  }

  @Test func wrongSpecificationsAreExplained() {
    #expect(error("kaiming") == .unknownInitializer("kaiming", known: InitializerRegistry.names))
    #expect(error("kaiming")?.description.contains("he, glorot, lecun, orthogonal") == true)
    for text in [
      "", ":", ":fan=in", "he:", "he:fan", "he:fan=", "he:=in", "he:fan=in,", "he:fan=in,fan=out",
      "he:a=b=c",
    ] {
      #expect(error(text) == .malformed(text))
    }
    #expect(error("")?.description.hasPrefix("'' is not an initialization; write NAME") == true)
    #expect(
      error("universal:c=99999")?.description
        == "c=99999 of universal should be a number from 1e-12 to 300")
    #expect(
      error("risotto:beta=1")
        == .unknownOption("beta", initializer: "risotto", known: ["alpha", "head"]))
    #expect(error("glorot:gain=2")?.description.contains("distribution") == true)
    #expect(
      error("he:fan=both")
        == .illegalValue("both", option: "fan", initializer: "he", expected: "in or out"))
    for text in [
      "orthogonal:gain=0", "orthogonal:gain=x", "risotto:alpha=0", "risotto:alpha=nan",
      "risotto-lossless:idle=-1", "skipinit:alpha=deep", "lsuv:images=1", "lsuv:images=2.5",
      "looks-linear:weights=uniform",
    ] {
      guard case .illegalValue = error(text) else {
        Issue.record("\(text) should be an illegal value")
        continue
      }
    }
  }

  private func refusal(
    _ layout: NetworkLayout, _ text: String = "risotto"
  ) -> (reason: String, remedy: String)? {
    do {
      try InitializerRegistry.make(text).check(layout)
      return nil
    } catch {
      guard case .condition("risotto", let reason, let remedy) = error else { return nil }
      return (reason.description, remedy.description)
    }
  }

  /// A network can be described, and is refused with a reason, where windows do not tile the image.
  @Test(arguments: [(7, false), (6, false), (8, true)])
  func losslessStridesNeedSidesThatTheyDivide(side: Int, isLegal: Bool) throws {
    let initializer = try InitializerRegistry.make("risotto-lossless")
    let layout = ResidualNetwork(
      widths: [16, 32, 64], depths: [1, 1, 1], normalization: .none,
      traits: initializer.blockTraits, imageShape: [3, side, side]
    ).layout
    do {
      try initializer.check(layout)
      #expect(isLegal)
    } catch {
      #expect(!isLegal && "\(error)".contains(side == 7 ? "7×7 pixels" : "3×3 pixels"), "\(error)")
    }
  }

  @Test func risottoSaysWhichConditionIsNotMet() throws {
    func residual(
      _ widths: [Int], block: BlockKind = .basic, skip: SkipKind = .identity,
      activation: Activation = .relu, multipliers: Bool = true
    ) -> NetworkLayout {
      ResidualNetwork(
        widths: widths, depths: widths.map { _ in 2 }, block: block, skip: skip,
        activation: activation, normalization: .none,
        traits: BlockTraits(hasMultiplier: multipliers)
      ).layout
    }
    #expect(refusal(residual([6, 12])) == nil)
    #expect(refusal(residual([16], activation: .tanh))?.reason.contains("tanh") == true)
    #expect(refusal(residual([4]))?.reason.contains("6 channels") == true)
    #expect(refusal(residual([6, 13]))?.reason.contains("even") == true)
    #expect(refusal(residual([16, 8]))?.reason.contains("from 16 to 8") == true)
    #expect(
      refusal(residual([8], block: .bottleneck(expansion: 4)))?.remedy == "use skip convolution")
    #expect(
      refusal(residual([8], block: .bottleneck(expansion: 4), skip: .convolution)) == nil)
    #expect(refusal(residual([8], block: .bottleneck(expansion: 1))) == nil)
    #expect(
      refusal(residual([8], multipliers: false), "risotto:alpha=0.5")?.reason.contains("alpha")
        == true)
    #expect(refusal(residual([8], multipliers: false)) == nil)
    for model in ["mlp:2x16", "resmlp:2x16", "resconv:2x16"] {
      let layout = try ModelSpecification(model).network().layout
      #expect(refusal(layout)?.remedy == "choose a resnet model")
    }
  }
}
