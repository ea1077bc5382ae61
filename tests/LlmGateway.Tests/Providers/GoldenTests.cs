using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Providers;

/// <summary>Holds every dialect against its golden files: requests, replies, errors, and streams cut at every byte.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string, string> Requests() => Cases(golden => golden.Bytes("provider.request.json") is not null);

    public static TheoryData<string, string> Refusals() => Cases(golden => Has(golden.Expected, "refused") || Has(golden.Expected, "unsupported"));

    public static TheoryData<string, string> Replies() => Cases(golden => golden.Bytes("provider.reply.json") is not null && !Has(golden.Expected, "status"));

    public static TheoryData<string, string> Errors() => Cases(golden => Has(golden.Expected, "status"));

    public static TheoryData<string, string> Streams() => Cases(golden => golden.StreamReply is not null);

    [Fact]
    public void Folders_and_dialects_belong_together() =>
        Assert.Equal(GoldenDialects.All.Keys.Order(StringComparer.Ordinal), GoldenCase.DialectFolders().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_case_is_held_against_something()
    {
        var held = new[] { Requests(), Refusals(), Replies(), Errors(), Streams() }.SelectMany(cases => cases.Select(row => row.Data)).ToHashSet();

        Assert.Empty(GoldenCase.All().Except(held));
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_is_translated(string dialect, string name)
    {
        var golden = new GoldenCase(dialect, name);
        var before = golden.Request.Body.ToArray();

        var call = GoldenDialects.All[dialect]().CreateCall(golden.Request.Build(), golden.Request.Target(), golden.Habits);

        Assert.NotNull(call.Message);
        Assert.Equal("application/json", call.Message.Content!.Headers.ContentType!.MediaType);
        Assert.NotNull(call.Message.Content.Headers.ContentLength);
        GoldenText.AssertSameJson(golden.Bytes("provider.request.json")!, await call.Message.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(before, golden.Request.Body);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Request_is_refused(string dialect, string name)
    {
        var golden = new GoldenCase(dialect, name);

        // The scanner stands before every dialect: what it refuses no dialect sees.
        var (_, error) = RequestScanner.ScanChat(golden.Request.Body);
        if (error is null)
        {
            var call = GoldenDialects.All[dialect]().CreateCall(golden.Request.Build(), golden.Request.Target(), golden.Habits);
            Assert.Null(call.Message);
            Assert.Equal(Has(golden.Expected, "unsupported"), call.Unsupported is not null);
            Assert.Equal(GoldenCase.Text(golden.Expected, "unsupported"), call.UnsupportedParam);
            error = call.Error;
        }

        if (golden.Expected.TryGetProperty("refused", out var refused))
        {
            Assert.Equal(400, error!.Status);
            Assert.Equal(GoldenCase.Text(refused, "code") ?? ErrorCodes.InvalidRequest, error.Code);
            Assert.Equal(GoldenCase.Text(refused, "param"), error.Param);
            Assert.Contains(error.Param ?? "", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public void Reply_is_translated(string dialect, string name)
    {
        var golden = new GoldenCase(dialect, name);

        var reply = GoldenDialects.All[dialect]().ReadReply(golden.Bytes("provider.reply.json")!, golden.Request.Build(), golden.Request.Target());

        AssertError(golden.Expected, reply.Error);
        AssertUsage(golden.Expected, reply.Usage);
        if (golden.Bytes("openai.reply.json") is { } expected)
        {
            GoldenText.AssertSameJson(expected, reply.Body.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void Error_is_read(string dialect, string name)
    {
        var golden = new GoldenCase(dialect, name);
        var status = golden.Expected.GetProperty("status").GetInt32();

        var error = GoldenDialects.All[dialect]().ReadError(status, golden.Bytes("provider.reply.json") ?? golden.Bytes("provider.reply.txt")!);

        Assert.Equal(status, error.Status);
        AssertError(golden.Expected, error);
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void Stream_is_translated_however_it_is_cut(string dialect, string name)
    {
        var golden = new GoldenCase(dialect, name);
        var stream = golden.StreamReply!;

        var (whole, translator) = Run([]);

        GoldenText.AssertSameEvents(golden.Bytes("openai.reply.sse") ?? [], whole);
        AssertError(golden.Expected, translator.Error);
        AssertUsage(golden.Expected, translator.Usage);
        Assert.Equal(!Has(golden.Expected, "finish"), translator.HasFinish);
        Assert.Equal(!Has(golden.Expected, "first_token"), translator.HasFirstToken);
        for (var cut = 1; cut < stream.Length; cut++)
        {
            Assert.Equal(whole, Run([cut]).Output);
        }

        Assert.Equal(whole, Run(Enumerable.Range(1, stream.Length - 1)).Output);

        (byte[] Output, StreamTranslator Translator) Run(IEnumerable<int> cuts) => GoldenStream.Run(
            GoldenDialects.All[dialect]().CreateStreamTranslator(golden.Request.Build(), golden.Request.Target()),
            stream,
            cuts,
            ReadUsage(golden.Expected, "estimate"));
    }

    private static void AssertError(JsonElement expected, ProviderError? error)
    {
        if (!Has(expected, "error"))
        {
            Assert.Null(error);
            return;
        }

        Assert.NotNull(error);
        var wanted = expected.GetProperty("error");
        if (GoldenCase.Text(wanted, "reason") is { } reason)
        {
            Assert.Equal(reason, FailureClassifier.Classify(error).ToName());
        }

        Assert.Equal(GoldenCase.Text(wanted, "code"), error.Code);
        if (GoldenCase.Text(wanted, "message") is { } message)
        {
            Assert.Equal(message, error.Message);
        }

        if (GoldenCase.Text(wanted, "param") is { } param)
        {
            Assert.Equal(param, error.Param);
        }
    }

    private static void AssertUsage(JsonElement expected, TokenUsage? usage)
    {
        if (Has(expected, "usage"))
        {
            Assert.Equal(ReadUsage(expected, "usage"), usage);
        }
    }

    /// <summary>Usage as an array: input, output, cached input, reasoning; null: unknown.</summary>
    private static TokenUsage? ReadUsage(JsonElement expected, string member)
    {
        if (!Has(expected, member) || expected.GetProperty(member) is not { ValueKind: JsonValueKind.Array } counts)
        {
            return null;
        }

        var numbers = counts.EnumerateArray().Select(count => count.GetInt64()).Concat([0, 0]).ToArray();
        return new TokenUsage(numbers[0], numbers[1], numbers[2], numbers[3], member == "estimate");
    }

    private static bool Has(JsonElement expected, string name) => expected.ValueKind == JsonValueKind.Object && expected.TryGetProperty(name, out _);

    private static TheoryData<string, string> Cases(Func<GoldenCase, bool> belongs) =>
        new(GoldenCase.All().Where(golden => belongs(new GoldenCase(golden.Dialect, golden.Name))));
}
