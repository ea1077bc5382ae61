using LlmGateway.Tools.Web;

namespace LlmGateway.Tests.Tools;

public sealed class WebBackendTests
{
    [Theory]
    [InlineData("https://example.org", "https://example.org/v1/search?name=a%20%26b%3D1%3F%23&n=2")]
    [InlineData("https://example.org/", "https://example.org/v1/search?name=a%20%26b%3D1%3F%23&n=2")]
    [InlineData("https://example.org/own/", "https://example.org/own/v1/search?name=a%20%26b%3D1%3F%23&n=2")]
    public void Values_never_leave_their_place_in_the_address(string baseUrl, string expected) =>
        Assert.Equal(expected, WebBackend.Address(new Uri(baseUrl), "/v1/search", ("name", "a &b=1?#"), ("n", "2")).AbsoluteUri);

    [Fact]
    public void An_answer_is_kept_for_its_time_and_within_bounds()
    {
        var time = new FakeTime();
        using var backend = new WebBackend(time);
        var lifetime = TimeSpan.FromSeconds(300);

        backend.Keep("a", "1", lifetime);
        backend.Keep("off", "1", TimeSpan.Zero);

        Assert.Equal("1", backend.Find("a", lifetime));
        Assert.Null(backend.Find("off", lifetime));
        time.Advance(lifetime);
        Assert.Null(backend.Find("a", lifetime));

        for (var i = 0; i < 3000; i++)
        {
            backend.Keep($"q{i}", "1", lifetime);
        }

        Assert.Null(backend.Find("q0", lifetime));
        Assert.Equal("1", backend.Find("q2999", lifetime));
    }
}
