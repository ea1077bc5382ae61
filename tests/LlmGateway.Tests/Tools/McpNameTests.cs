using System.Text;
using System.Text.Json;
using LlmGateway.Tools.Mcp;

namespace LlmGateway.Tests.Tools;

public sealed class McpNameTests
{
    [Theory]
    [InlineData("docs", "read", "docs__read")]
    [InlineData("my-docs", "read_page-2", "my-docs__read_page-2")]
    [InlineData("a", "_b", "a___b")]
    public void A_plain_name_stays_readable(string server, string tool, string expected) => Assert.Equal(expected, McpToolName.Of(server, tool));

    [Theory]
    [InlineData("my.docs", "read")]
    [InlineData("docs", "read page")]
    [InlineData("docs", "читать")]
    [InlineData("a__b", "c")]
    [InlineData("a_", "b")]
    [InlineData("docs", "a_tool_whose_name_is_much_longer_than_what_a_model_provider_takes")]
    [InlineData("a_server_whose_name_is_much_longer_than_it_should_be", "read")]
    public void Any_other_name_is_marked_and_fits(string server, string tool)
    {
        var name = McpToolName.Of(server, tool);

        Assert.Matches("^[A-Za-z0-9_-]{1,64}$", name);
        Assert.Matches("-[0-9a-f]{8}(__|$)", name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("re\u200bad")]
    [InlineData("read\n")]
    [InlineData("re\u202ead")]
    public void A_name_with_what_nobody_sees_is_refused(string tool) => Assert.Null(McpToolName.Of("docs", tool));

    /// <summary>No choice of names lets one server's tool stand for another's.</summary>
    [Fact]
    public void Different_tools_never_share_a_name()
    {
        string[] servers = ["a", "a_", "a__b", "a__", "b", "a.b", "a_b", "a-b", "_"];
        string[] tools = ["c", "b__c", "_b__c", "__c", "_c", "b.c", "b_c", "b c", "c-" + new string('x', 70), "c-" + new string('x', 71)];
        var names = from server in servers from tool in tools select McpToolName.Of(server, tool);

        Assert.Distinct(names);
    }

    [Fact]
    public void A_description_is_cleaned_and_bounded()
    {
        Assert.Equal("Reads\na page", McpText.Description("Reads\u200b\n\u202ea \U000E0068\U000E0069page\u0007\ufe0f"));
        Assert.Equal("", McpText.Description(null));
        Assert.Equal(McpText.MaxDescription, McpText.Description(new string('x', 10_000)).Length);
        Assert.Equal("日本語 text ✓", McpText.Description("日本語 text ✓"));
    }

    [Fact]
    public void A_pin_holds_the_meaning_and_not_the_order()
    {
        var one = McpText.Pin("d", Parse("""{"type":"object","properties":{"a":{"type":"string"},"b":{}}}"""));

        Assert.Equal(one, McpText.Pin("d", Parse("""{ "properties": {"b":{}, "a":{"type":"string"}}, "type":"object" }""")));
        Assert.NotEqual(one, McpText.Pin("d\u200b", Parse("""{"type":"object","properties":{"a":{"type":"string"},"b":{}}}""")));
        Assert.NotEqual(one, McpText.Pin("d", Parse("""{"type":"object","properties":{"a":{"type":"string"},"b":{"x":1}}}""")));
        Assert.NotEqual(one, McpText.Pin("other", Parse("""{"type":"object","properties":{"a":{"type":"string"},"b":{}}}""")));
    }

    [Fact]
    public void A_schema_is_cleaned_or_refused()
    {
        Assert.Equal("""{"type":"object","description":"ab"}""", Encoding.UTF8.GetString(McpText.Schema(Parse("""{"type":"object","description":"a\u200bb"}"""))!));
        Assert.Equal("""{"type":"object","properties":{}}""", Encoding.UTF8.GetString(McpText.Schema(Parse("null"))!));
        Assert.Null(McpText.Schema(Parse("""{"prop\u200berties":{}}""")));
        Assert.Null(McpText.Schema(Parse($$"""{"x":"{{new string('x', McpText.MaxSchemaBytes)}}"}""")));
        Assert.Null(McpText.Schema(Parse("""{"x":"\ud800"}""")));
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
