using System.Text;
using LlmGateway.Sessions;

namespace LlmGateway.Tests.Sessions;

public sealed class RequestMessagesTests
{
    [Fact]
    public void Prepend_PutsThePast_BehindTheInstructions()
    {
        var request = TestRequests.Chat("""{"model":"m", "messages": [ {"role":"system","content":"S"} , {"content":"Q","role":"user"} ], "n":1}""");

        var body = Encoding.UTF8.GetString(new RequestMessages(request).Prepend([Entry("""{"role":"user","content":"A"}"""), Entry("""{"role":"assistant","content":"B"}""")]));

        Assert.Equal(
            """{"model":"m", "messages": [{"role":"system","content":"S"},{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"content":"Q","role":"user"}], "n":1}""", body);
    }

    [Theory]
    [InlineData("""[{"role":"user","content":"Q"}]""", false)]
    [InlineData("""[{"role":"system","content":"assistant"},{"role":"user","content":"tool"}]""", false)]
    [InlineData("""[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"Q"}]""", true)]
    [InlineData("""[{"role":"user","content":"Q"},{"role":"tool","tool_call_id":"x","content":"A"}]""", true)]
    public void HasHistory_IsTrue_WhereTheClientBringsAnswers(string messages, bool expected) =>
        Assert.Equal(expected, new RequestMessages(TestRequests.Chat($$"""{"messages":{{messages}}}""")).HasHistory);

    [Fact]
    public void Entries_LeaveInstructionsOut_AndFitOnALine()
    {
        var request = TestRequests.Chat("{\"messages\":[{\"role\":\"developer\",\"content\":\"S\"},{\"role\":\"user\",\n\"content\":\"Q\\nQ\"},{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"\"}]}");

        var entries = new RequestMessages(request).Entries(default).ToList();

        Assert.Equal([SessionEntryKind.Message, SessionEntryKind.ToolResult], entries.Select(entry => entry.Kind));
        Assert.Equal("""{"role":"user","content":"Q\nQ"}""", Encoding.UTF8.GetString(entries[0].Message.Span));
    }

    [Theory]
    [InlineData("""{"role":"user","content":"plain"}""", "plain")]
    [InlineData("""{"role":"user","content":[{"type":"text","text":"one"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"two"}]}""", "one\ntwo")]
    public void LastUserText_IsTheWords(string message, string expected) =>
        Assert.Equal(expected, new RequestMessages(TestRequests.Chat($$"""{"messages":[{"role":"user","content":"before"},{{message}}]}""")).LastUserText);

    private static SessionEntry Entry(string json) => new(SessionEntryKind.Message, Encoding.UTF8.GetBytes(json), "{}"u8.ToArray());
}
