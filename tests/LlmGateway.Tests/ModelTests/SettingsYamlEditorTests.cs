using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>One flag is set, and the rest of the text stays as a person wrote it.</summary>
public sealed class SettingsYamlEditorTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{ }")]
    public void A_model_without_flags_gets_its_first(string empty)
    {
        var text = $"providers:\n  local:\n    models:\n      a: {empty} # fast\n      b: {{}}\n";

        Assert.Equal("providers:\n  local:\n    models:\n      a: { supports_tools: true } # fast\n      b: {}\n", Set(text, "local", "a"));
    }

    [Fact]
    public void A_flag_beside_others_stands_behind_them() =>
        Assert.Equal(
            "providers: # all\n  local:\n    models:\n      a: { context_window: 10, free: true, supports_tools: true }   # keep\n",
            Set("providers: # all\n  local:\n    models:\n      a: { context_window: 10, free: true }   # keep\n", "local", "a"));

    [Theory]
    [InlineData("supports_tools: false", "supports_tools: true")]
    [InlineData("supports_tools:   False ", "supports_tools:   true ")]
    [InlineData("\"supports_tools\": \"false\"", "\"supports_tools\": true")]
    [InlineData("supports_tools: ~", "supports_tools: true")]
    public void A_flag_that_is_there_is_replaced_in_its_place(string before, string after) =>
        Assert.Equal(
            $"providers:\n  local:\n    models:\n      a: {{ {after}, free: true }}\n",
            Set($"providers:\n  local:\n    models:\n      a: {{ {before}, free: true }}\n", "local", "a"));

    [Fact]
    public void A_model_told_in_lines_gets_a_line_of_its_own()
    {
        const string Text = "providers:\n  local:\n    models:\n      a:\n        # how long\n        context_window: 10   # tokens\n\n      b: {}\nllm: {}\n";

        Assert.Equal(
            "providers:\n  local:\n    models:\n      a:\n        # how long\n        context_window: 10   # tokens\n        supports_tools: true\n\n      b: {}\nllm: {}\n",
            Set(Text, "local", "a"));
    }

    [Theory]
    [InlineData("a:", "a: { supports_tools: true }")]
    [InlineData("a: # empty", "a: { supports_tools: true } # empty")]
    [InlineData("a: null # empty", "a: { supports_tools: true } # empty")]
    [InlineData("a: ~", "a: { supports_tools: true }")]
    public void A_model_without_a_value_gets_one(string before, string after) =>
        Assert.Equal($"providers:\n  local:\n    models:\n      {after}\n      b: {{}}\n", Set($"providers:\n  local:\n    models:\n      {before}\n      b: {{}}\n", "local", "a"));

    [Fact]
    public void A_plain_list_becomes_a_mapping_of_the_same_names() =>
        Assert.Equal(
            "providers:\n  local: { type: openai, models: { a: { supports_tools: true }, \"b:free\": {}, \"c\": {} } } # mine\n",
            Set("providers:\n  local: { type: openai, models: [a, b:free, \"c\"] } # mine\n", "local", "a"));

    [Fact]
    public void A_list_over_several_lines_keeps_its_lines_and_comments() =>
        Assert.Equal(
            "providers:\n  local:\n    models: { # ours\n      a: {},   # first\n      b: { supports_tools: true },\n    }\n",
            Set("providers:\n  local:\n    models: [ # ours\n      a,   # first\n      b,\n    ]\n", "local", "b"));

    [Theory]
    [InlineData("      - a # first\n      - \"b:free\"\n", "        a: { supports_tools: true } # first\n        \"b:free\": {}\n")]
    [InlineData("    - a\n    # between\n    -   b:free\n", "      a: { supports_tools: true }\n    # between\n      b:free: {}\n")]
    public void A_list_of_dashes_becomes_a_mapping(string before, string after) =>
        Assert.Equal($"providers:\n  local:\n    models:\n{after}    timeout: 5\n", Set($"providers:\n  local:\n    models:\n{before}    timeout: 5\n", "local", "a"));

    [Fact]
    public void A_model_that_is_not_listed_is_added_under_its_provider() =>
        Assert.Equal(
            "providers:\n  local:\n    models:\n      a: {}   # last of them\n      new/model: { supports_tools: true }\n  other: {}\n",
            Set("providers:\n  local:\n    models:\n      a: {}   # last of them\n  other: {}\n", "local", "new/model"));

    [Fact]
    public void A_provider_without_models_gets_them() =>
        Assert.Equal(
            "providers:\n  local:\n    base_url: http://localhost:1 # here\n    models:\n      a: { supports_tools: true }\n\n  other: {}\n",
            Set("providers:\n  local:\n    base_url: http://localhost:1 # here\n\n  other: {}\n", "local", "a"));

    [Theory]
    [InlineData("providers:\n  local: # mine\n", "providers:\n  local: # mine\n    models:\n      a: { supports_tools: true }\n")]
    [InlineData("providers:\n  local: {}\n", "providers:\n  local: { models: { a: { supports_tools: true } } }\n")]
    [InlineData("providers:\n  local: ~\n", "providers:\n  local: { models: { a: { supports_tools: true } } }\n")]
    [InlineData("providers: {}\n", "providers: { local: { models: { a: { supports_tools: true } } } }\n")]
    [InlineData("providers:\nllm: {}\n", "providers:\n  local:\n    models:\n      a: { supports_tools: true }\nllm: {}\n")]
    [InlineData("providers:\n  other: {}\n# end\n", "providers:\n  other: {}\n  local:\n    models:\n      a: { supports_tools: true }\n# end\n")]
    [InlineData("llm: {}\n", "llm: {}\nproviders:\n  local:\n    models:\n      a: { supports_tools: true }\n")]
    [InlineData("# a comment alone\n", "# a comment alone\nproviders:\n  local:\n    models:\n      a: { supports_tools: true }\n")]
    [InlineData("", "providers:\n  local:\n    models:\n      a: { supports_tools: true }\n")]
    [InlineData("{}", "{ providers: { local: { models: { a: { supports_tools: true } } } } }")]
    [InlineData("llm: { timeout: 5 }", "llm: { timeout: 5 }\nproviders:\n  local:\n    models:\n      a: { supports_tools: true }\n")]
    public void What_is_missing_above_the_flag_is_added(string before, string after) => Assert.Equal(after, Set(before, "local", "a"));

    [Fact]
    public void A_providers_other_names_are_known() =>
        Assert.Equal("providers:\n  Google:\n    models: { g: { supports_tools: true } }\n", Set("providers:\n  Google:\n    models: { g: {} }\n", "gemini", "g"));

    [Fact]
    public void Line_ends_and_signs_beyond_the_basic_plane_do_not_move_the_place()
    {
        const string Text = "# 😀 ünï\r\nproviders:\r\n  local:\r\n    models:\r\n      a: { free: true } # 😀\r\n";

        Assert.Equal("# 😀 ünï\r\nproviders:\r\n  local:\r\n    models:\r\n      a: { free: true } # 😀\r\n      b: { supports_tools: true }\r\n", Set(Text, "local", "b"));
        Assert.Equal("# 😀 ünï\r\nproviders:\r\n  local:\r\n    models:\r\n      a: { free: true, supports_tools: true } # 😀\r\n", Set(Text, "local", "a"));
    }

    [Fact]
    public void A_name_that_means_something_in_YAML_is_quoted() =>
        Assert.Equal("providers:\n  local:\n    models:\n      \"kat:free\": { supports_tools: true }\n", Set("providers:\n  local:\n    models:\n", "local", "kat:free"));

    [Theory]
    [InlineData("x: &m { a: {} }\nproviders:\n  local:\n    models: *m\n")]
    [InlineData("providers:\n  local:\n    models: [{ a: 1 }]\n")]
    [InlineData("providers:\n  local:\n    models: { a: { supports_tools: \"${TOOLS}\" } }\n")]
    [InlineData("providers: [\n")]
    public void What_cannot_be_edited_safely_is_said(string text)
    {
        var (changed, problem) = SettingsYamlEditor.SetFlag(text, "local", "a", "supports_tools", true);

        Assert.Null(changed);
        Assert.False(string.IsNullOrEmpty(problem));
    }

    private static string Set(string text, string provider, string model)
    {
        var (changed, problem) = SettingsYamlEditor.SetFlag(text, provider, model, "supports_tools", true);
        Assert.Null(problem);
        return changed!;
    }
}
