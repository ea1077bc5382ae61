using LlmGateway.Resilience;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Stands between two stages of the provider side, or before a provider: a point before the call, one after it, and one for each read of a streamed answer.</summary>
internal sealed class FaultyHandler(string name, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>All that a provider sends is read piece by piece.</summary>
    public const string Provider = "provider";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await FaultPlan.HitAsync("to " + name, cancellationToken);
        var response = await base.SendAsync(request, cancellationToken);
        try
        {
            await FaultPlan.HitAsync("from " + name, cancellationToken);
            if (response.Content is StreamedReply || name == Provider)
            {
                await WrapAsync(response, cancellationToken);
            }

            return response;
        }
        catch
        {
            // Who fails has cleared up behind himself.
            response.Dispose();
            throw;
        }
    }

    private async Task WrapAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var content = response.Content;
        var wrapped = new StreamedReply(new FaultyStream(name, await content.ReadAsStreamAsync(cancellationToken)));
        foreach (var (key, values) in content.Headers.NonValidated)
        {
            wrapped.Headers.TryAddWithoutValidation(key, values);
        }

        wrapped.DisposesToo(content);
        response.Content = wrapped;
    }
}
