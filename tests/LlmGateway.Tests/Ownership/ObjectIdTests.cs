using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

public sealed class ObjectIdTests
{
    [Theory]
    [InlineData("files", "")]
    [InlineData("vector_stores/search", "")]
    [InlineData("realtime/transcription_sessions", "")]
    [InlineData("threads/runs/submit_tool_outputs", "")]
    [InlineData("text-to-speech", "")]
    [InlineData("files/file-abc1/content", "file-abc1")]
    [InlineData("threads/thread_1/messages/MSG/", "thread_1 MSG")]
    [InlineData("things/0f8fad5b-d9cd-469f-a165-70867728950e", "0f8fad5b-d9cd-469f-a165-70867728950e")]
    [InlineData("things/abcdefabcdefabcdefabcdefabcdef", "abcdefabcdefabcdefabcdefabcdef")]
    [InlineData("things/a.b", "a.b")]
    public void Of_a_path_what_is_no_word_may_be_an_id(string path, string ids) => Assert.Equal(ids, string.Join(' ', ObjectId.InPath(path)));

    [Fact]
    public void What_is_too_long_is_none()
    {
        Assert.True(ObjectId.IsLikely(new string('a', 256)));
        Assert.False(ObjectId.IsLikely(new string('a', 257)));
        Assert.False(ObjectId.IsLikely(""));
    }

    [Theory]
    [InlineData("FILE-A1")]
    [InlineData(" file-a1 ")]
    [InlineData("file-a1.")]
    [InlineData("file-a1;v=2")]
    public void How_it_is_written_makes_no_other_of_it(string other) => Assert.Equal(ObjectId.Hash("file-a1"), ObjectId.Hash(other));

    [Fact]
    public void Another_id_is_another_object()
    {
        Assert.NotEqual(ObjectId.Hash("file-a1"), ObjectId.Hash("file-a2"));
        Assert.Matches("^[0-9a-f]{64}$", ObjectId.Hash("file-a1"));
    }
}
