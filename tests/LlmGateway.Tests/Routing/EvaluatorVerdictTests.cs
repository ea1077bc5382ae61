using LlmGateway.Routing;

namespace LlmGateway.Tests.Routing;

public sealed class EvaluatorVerdictTests
{
    [Theory]
    [InlineData("""{"scores":[9,4],"reason":"first is right"}""", 0)]
    [InlineData("""{"scores":[4,9]}""", 1)]
    [InlineData("""{"scores":[7,7]}""", 0)]
    [InlineData("""{"scores":[0,0.5]}""", 1)]
    [InlineData("""{"reason":"}{","scores":[85,90]}""", 1)]
    [InlineData("```json\n{\"scores\":[1,2]}\n```", 1)]
    [InlineData("```\n{\"winner\":\"A\"}\n```", 0)]
    [InlineData("Here is my verdict:\n{\"scores\":[3,2],\"reason\":\"x\"}\nThanks.", 0)]
    [InlineData("Sure.\n```json\n{\"scores\":[3,8]}\n```\nDone.", 1)]
    [InlineData("""{"winner":2}""", 1)]
    [InlineData("""{"winner":"answer_1"}""", 0)]
    [InlineData("""{"winner":"Answer B"}""", 1)]
    [InlineData("1", 0)]
    [InlineData(" 2.\n", 1)]
    [InlineData("a", 0)]
    [InlineData("**B**", 1)]
    [InlineData("\"A\"", 0)]
    [InlineData("```\n2\n```", 1)]
    [InlineData("`1`", 0)]
    [InlineData("Answer 2", 1)]
    [InlineData("Winner: A", 0)]
    [InlineData("(B)", 1)]
    public void Read_PlainVerdict_IsTaken(string text, int winner) => Assert.Equal(winner, EvaluatorVerdict.Read(text));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("```")]
    [InlineData("Both are fine, but 2 is nicer.")]
    [InlineData("A or B")]
    [InlineData("3")]
    [InlineData("12")]
    [InlineData("{}")]
    [InlineData("""{"scores":[1]}""")]
    [InlineData("""{"scores":[1,2,3]}""")]
    [InlineData("""{"scores":["1","2"]}""")]
    [InlineData("""{"scores":[-1,2]}""")]
    [InlineData("""{"scores":[1e999,2]}""")]
    [InlineData("""{"scores":[1,2],"scores":[2,1]}""")]
    [InlineData("""{"winner":"tie"}""")]
    [InlineData("""{"winner":null}""")]
    [InlineData("""{"scores":[1,2}""")]
    [InlineData("}{")]
    [InlineData("""{"winner":"\ud800"}""")]
    public void Read_NothingPlain_IsNoVerdict(string text) => Assert.Null(EvaluatorVerdict.Read(text));

    [Fact]
    public void Read_AnyPieceOfAVerdict_NeverThrows()
    {
        const string Text = "Sure:\n```json\n{\"scores\":[3,8],\"winner\":\"B\",\"reason\":\"\\u00e9 {[\"}\n```\n";
        for (var start = 0; start < Text.Length; start++)
        {
            for (var end = start; end <= Text.Length; end++)
            {
                Assert.True(EvaluatorVerdict.Read(Text[start..end]) is null or 0 or 1);
            }
        }
    }
}
