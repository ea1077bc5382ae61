using System.Globalization;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Surfaces;
using LlmGateway.Tests.Providers;
using LlmGateway.Tests.Surfaces;

namespace LlmGateway.Tests.Fuzz;

/// <summary>
/// Readers and translators under bytes that nobody meant: they answer an error or a value, never an exception, and quickly. The seed is
/// fixed; <c>FUZZ_CASES</c> and <c>FUZZ_SEED</c> make long runs of other cases.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly int Cases = Number("FUZZ_CASES", 20_000);

    private static readonly int Seed = Number("FUZZ_SEED", 20_261_001);

    private const int WarmUpRounds = 10;

    private const int Tries = 5;

    /// <summary>While a case takes long: the compiler optimises in the background, once it gets a core.</summary>
    private const int MostTries = 200;

    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(20);

    /// <summary>The thread's time for one case (D12).</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void Requests_never_throw()
    {
        var seeds = GoldenCase.All().Select(golden => new GoldenCase(golden.Dialect, golden.Name).Bytes("openai.request.json")).OfType<byte[]>().ToList();
        IClientDialect[] surfaces = [SurfaceCase.Anthropic(), SurfaceCase.Ollama(), SurfaceCase.Generate()];
        var dialects = GoldenDialects.All.ToDictionary(pair => pair.Key, pair => pair.Value());
        var mutator = new Mutator(Seed);
        var (taken, translated) = (0, 0);

        // What one request does is a case: it comes in one form and goes to one provider.
        List<Action<byte[], int>> ways =
        [
            (body, i) =>
            {
                var (scan, error) = RequestScanner.Scan((Operation)(i % 3), body);
                Assert.True(scan is null != error is null);
                taken += RequestScanner.ScanChat(body).Request is null ? 0 : 1;
            },
            .. surfaces.Select(surface => (Action<byte[], int>)((body, _) =>
            {
                var call = SurfaceRequest.Read(surface, body, TestRequests.Chat().Config, agent: null);
                Assert.True(call.Error is not null || call.Answer is not null || RequestScanner.ScanChat(call.Body.Span).Request is not null, surface.Name);
            })),
            .. dialects.Select(dialect => (Action<byte[], int>)((body, _) =>
            {
                if (RequestScanner.ScanChat(body).Request is not null)
                {
                    var builder = new RequestBuilder { Body = body, Provider = dialect.Key };
                    using var message = dialect.Value.CreateCall(builder.Build(), builder.Target(), TargetHabits.None).Message;
                    translated += message is null ? 0 : 1;
                }
            })),
        ];

        var slowest = Run(mutator, seeds, ways, Cases);

        output.WriteLine($"Q20: {Cases} request bodies out of {seeds.Count} (seed {Seed}), {taken} of them requests, {translated} translated, 0 exceptions; slowest {slowest.TotalMilliseconds:0.0} ms");
        Assert.True(seeds.Count > 40);
        Assert.True(taken > Cases / 50, $"{taken} were requests at all.");
        Assert.True(slowest < Slow, slowest.ToString());
    }

    [Fact]
    public void Replies_never_throw()
    {
        foreach (var (dialect, create) in GoldenDialects.All)
        {
            var seeds = Golden(dialect).Select(golden => (golden.Request, Body: golden.Bytes("provider.reply.json") ?? golden.Bytes("provider.reply.txt"))).Where(seed => seed.Body is not null).ToList();
            var provider = create();
            var mutator = new Mutator(Seed);
            var read = 0;

            var slowest = Run(mutator, seeds.ConvertAll(seed => seed.Body!), [(body, i) =>
            {
                var request = seeds[i % seeds.Count].Request;
                read += provider.ReadReply(body, request.Build(), request.Target()).Error is null ? 1 : 0;
                Assert.NotNull(provider.ReadError(400 + (i % 200), body));
            }], Cases / GoldenDialects.All.Count);

            output.WriteLine($"Q20: {Cases / GoldenDialects.All.Count} replies of {dialect}, {read} of them readable, 0 exceptions; slowest {slowest.TotalMilliseconds:0.0} ms");
            Assert.True(slowest < Slow, $"{dialect}: {slowest}");
        }
    }

    [Fact]
    public void Streams_never_throw()
    {
        foreach (var (dialect, create) in GoldenDialects.All)
        {
            var seeds = Golden(dialect).Where(golden => golden.StreamReply is not null).ToList();
            var provider = create();
            var mutator = new Mutator(Seed);
            var whole = 0;

            var slowest = Run(mutator, seeds.ConvertAll(seed => seed.StreamReply!), [(body, i) =>
            {
                var request = seeds[i % seeds.Count].Request;
                var cuts = body.Length < 2 ? [] : Enumerable.Range(0, mutator.Next(4)).Select(_ => mutator.Next(body.Length)).Order().ToArray();
                var (_, translator) = GoldenStream.Run(provider.CreateStreamTranslator(request.Build(), request.Target()), body, cuts);
                whole += translator is { Error: null, HasFinish: true } ? 1 : 0;
            }], Cases / GoldenDialects.All.Count);

            output.WriteLine($"Q20: {Cases / GoldenDialects.All.Count} streams of {dialect}, {whole} of them whole, 0 exceptions; slowest {slowest.TotalMilliseconds:0.0} ms");
            Assert.True(whole > 0, dialect);
            Assert.True(slowest < Slow, $"{dialect}: {slowest}");
        }
    }

    private static IEnumerable<GoldenCase> Golden(string dialect) =>
        GoldenCase.All().Where(golden => golden.Dialect == dialect).Select(golden => new GoldenCase(golden.Dialect, golden.Name));

    /// <summary>The slowest case's time; an exception says which case it was.</summary>
    private static TimeSpan Run(Mutator mutator, List<byte[]> seeds, IReadOnlyList<Action<byte[], int>> tests, int cases)
    {
        for (var i = 0; i < seeds.Count * WarmUpRounds; i++)
        {
            foreach (var test in tests)
            {
                test(seeds[i % seeds.Count], i);
            }
        }

        var slowest = TimeSpan.Zero;
        for (var i = 0; i < cases; i++)
        {
            var body = mutator.Mutate(seeds[i % seeds.Count]);
            foreach (var test in tests)
            {
                var time = Measure(test, body, i);
                slowest = time > slowest ? time : slowest;
            }
        }

        return slowest;
    }

    private static TimeSpan Measure(Action<byte[], int> test, byte[] body, int number)
    {
        var best = TimeSpan.MaxValue;
        for (var tries = 0; (tries < Tries && best > Quick) || (tries < MostTries && best >= Slow); tries++)
        {
            // Once more if it took long: what was slow the first time may have been the compiler, or the collector for all threads.
            var start = ThreadTime.Now;
            try
            {
                test(body, number);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Case {number} of seed {Seed}: {Convert.ToBase64String(body)}", exception);
            }

            best = TimeSpan.FromTicks(Math.Min(best.Ticks, (ThreadTime.Now - start).Ticks));
        }

        return best;
    }

    private static int Number(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
}
