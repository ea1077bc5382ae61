using System.Text;
using System.Text.Json;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Tools;

public sealed class MockToolUseTests
{
    [Theory]
    [InlineData("what is 2+2*3", """calculator {"expression":"2+2*3"}""")]
    [InlineData("What is (1 + 5%) ^ 10?", """calculator {"expression":"(1 + 5%) ^ 10"}""")]
    [InlineData("Please calculate sqrt(16) + 1.", """calculator {"expression":"sqrt(16) + 1"}""")]
    [InlineData("17 * 4", """calculator {"expression":"17 * 4"}""")]
    [InlineData("How is the weather in New York?", """weather {"location":"New York"}""")]
    [InlineData("weather for Paris, France.", """weather {"location":"Paris, France"}""")]
    [InlineData("What is 1+1? And what's the weather like in Rome?", """calculator {"expression":"1+1"} weather {"location":"Rome"}""")]
    [InlineData("What is 42?", "")]
    [InlineData("What is love?", "")]
    [InlineData("I was born in 1990-05", "")]
    public void Calls_what_the_question_is_plainly_for(string question, string expected)
    {
        var calls = MockToolUse.CallsFor(Request(question, ""));

        Assert.Equal(expected, string.Join(' ', calls.Select(call => $"{call.Name} {call.Arguments}")));
    }

    [Fact]
    public void Calls_nothing_that_is_not_offered_or_not_wanted()
    {
        Assert.Empty(MockToolUse.CallsFor(Request("what is 1+1", ""","tool_choice":"none" """)));
        Assert.Empty(MockToolUse.CallsFor(MockRequest.Read(Encoding.UTF8.GetBytes("""{"messages":[{"role":"user","content":"what is 1+1"}]}"""))!));
    }

    private static MockRequest Request(string question, string more) => MockRequest.Read(Encoding.UTF8.GetBytes(
        $$$"""{"messages":[{"role":"user","content":{{{JsonSerializer.Serialize(question)}}}}],"tools":[{"type":"function","function":{"name":"calculator"}},{"type":"function","function":{"name":"weather"}}]{{{more}}}}"""))!;
}
