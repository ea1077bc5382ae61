using System.Text.Json;
using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>What counts as a passed probe.</summary>
public sealed class ProbeJudgeTests
{
    [Theory]
    [InlineData("""{"tool_calls":[{"function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]}""", 1)]
    [InlineData("""{"tool_calls":[{"function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}}]}""", 2)]
    [InlineData("""{"tool_calls":[{"function":{"name":"get_weather","arguments":"{\"town\":\"Paris\"}"}}]}""", 0)]
    [InlineData("""{"tool_calls":[{"function":{"name":"get_weather","arguments":"Paris"}}]}""", 0)]
    [InlineData("""{"tool_calls":[{"function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]}""", 0)]
    [InlineData("""{"content":"{\"city\":\"Paris\"}"}""", 0)]
    public void A_call_counts_with_the_tools_own_argument(string message, int calls)
    {
        using var document = JsonDocument.Parse(message);
        var answer = new ProbeAnswer { Message = document.RootElement };

        Assert.Equal(calls >= 1, ProbeJudge.Tools(answer) is null);
        Assert.Equal(calls >= 2, ProbeJudge.ParallelTools(answer) is null);
    }

    [Theory]
    [InlineData("""{"capital":"Paris"}""", true, false)]
    [InlineData("""{"name":"Paris","population_millions":2.1}""", true, true)]
    [InlineData("""{"name":"Paris","population_millions":"2.1"}""", true, false)]
    [InlineData("""{"name":"Paris","population_millions":2.1,"country":"France"}""", true, false)]
    [InlineData("""["Paris"]""", false, false)]
    [InlineData("```json\n{\"capital\":\"Paris\"}\n```", false, false)]
    [InlineData("Paris", false, false)]
    public void Json_is_the_whole_answer_and_a_schema_is_followed_to_the_letter(string text, bool isJson, bool fits)
    {
        var answer = new ProbeAnswer { Text = text };

        Assert.Equal((isJson, fits), (ProbeJudge.Json(answer) is null, ProbeJudge.JsonSchema(answer) is null));
    }

    [Theory]
    [InlineData("Red.", true)]
    [InlineData("The image is dark red", true)]
    [InlineData("I cannot see images", false)]
    public void An_image_is_seen_where_its_colour_is_named(string text, bool sees) => Assert.Equal(sees, ProbeJudge.Vision(new ProbeAnswer { Text = text }) is null);

    [Fact]
    public void A_stream_wants_text_and_a_proper_end()
    {
        Assert.NotNull(ProbeJudge.Streaming(new ProbeAnswer { IsComplete = true }));
        Assert.NotNull(ProbeJudge.Streaming(new ProbeAnswer { Text = "one" }));
        Assert.Null(ProbeJudge.Streaming(new ProbeAnswer { Text = "one", IsComplete = true }));
    }
}
