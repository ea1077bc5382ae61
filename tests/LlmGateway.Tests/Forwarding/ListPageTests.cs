using LlmGateway.Forwarding;

namespace LlmGateway.Tests.Forwarding;

public sealed class ListPageTests
{
    [Theory]
    [InlineData("http://p/v1/files", "http://p/v1/files?after=file-1")]
    [InlineData("http://p/v1/files?limit=2&after=file-0&order=asc", "http://p/v1/files?limit=2&order=asc&after=file-1")]
    [InlineData("http://p/v1/files?before=file-9", null)]
    public void The_next_page_begins_behind_the_last_entry(string address, string? next) =>
        Assert.Equal(next, ListPage.After(new Uri(address), "file-1")?.ToString());

    [Fact]
    public void Behind_an_entry_without_an_id_there_is_none() => Assert.Null(ListPage.After(new Uri("http://p/v1/files"), null));
}
