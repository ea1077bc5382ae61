using LlmGateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace LlmGateway.Tests.Forwarding;

public sealed class PassthroughPathTests
{
    [Theory]
    [InlineData("files", "", "files")]
    [InlineData("files/", "?a=1", "files/?a=1")]
    [InlineData("models/ft:x@y", "", "models/ft:x@y")]
    [InlineData("a b/ü", "", "a%20b/%C3%BC")]
    [InlineData("a?b#c", "", "a%3Fb%23c")]
    [InlineData("..a/b..", "", "..a/b..")]
    public void TryRead_PlainPath_IsEscapedAgain(string path, string query, string expected)
    {
        Assert.True(PassthroughPath.TryRead(path, new QueryString(query), out var read));
        Assert.Equal(expected, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//evil.test")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a%2fb")]
    [InlineData("%2e%2e/b")]
    [InlineData("a\\b")]
    [InlineData("a\rb")]
    public void TryRead_WhatTwoReadersCouldDisagreeAbout_IsRefused(string? path) =>
        Assert.False(PassthroughPath.TryRead(path, default, out _));
}
