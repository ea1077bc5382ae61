using System.Data.Common;
using System.Text.Json;
using LlmGateway.Caching;
using LlmGateway.Database;
using LlmGateway.Forwarding;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using LlmGateway.Sessions;
using LlmGateway.Surfaces;
using LlmGateway.Tools;
using LlmGateway.Tools.Calculator;
using LlmGateway.Usage.Journal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The gateway as it is, with a point put before and behind each part that a request awaits.</summary>
internal static class FaultyParts
{
    /// <summary>Requests with this header are those whose points count.</summary>
    public const string Header = "X-Request-Id";

    /// <param name="services">The gateway's.</param>
    /// <param name="plan">The plan for a request of this id; null: it is left in peace.</param>
    public static void Add(IServiceCollection services, Func<string, FaultPlan?> plan)
    {
        services.AddSingleton<IStartupFilter>(new Edge(plan));
        services.AddSingleton<ICallBudget>(provider => new Budget(ActivatorUtilities.CreateInstance<CallBudget>(provider)));
        services.AddSingleton<ICallJournal>(provider => new Journal(provider.GetRequiredService<UsageJournal>()));
        services.AddSingleton<IDatabase>(provider => new Database(ActivatorUtilities.CreateInstance<ThreadedDatabase>(provider)));
        services.AddSingleton<Func<HttpMessageHandler>>(() => new FaultyHandler(FaultyHandler.Provider, ProviderConnections.CreateHandler()));
        services.Remove(services.Single(service => service.ImplementationType == typeof(CalculatorTool)));
        services.AddSingleton<ITool>(new Tool(new CalculatorTool()));
        Decorate<IHttpForwarder>(services, inner => new Forwarder(inner));
        services.AddSingleton(Pipeline);
    }

    private static EgressPipeline Pipeline(IServiceProvider provider)
    {
        var (surfaces, sessions, caching, tools, routing) = (
            provider.GetRequiredService<SurfaceHandler>(), provider.GetRequiredService<SessionHandler>(), provider.GetRequiredService<CachingHandler>(),
            provider.GetRequiredService<ToolHandler>(), provider.GetRequiredService<RoutingHandler>());
        var pipeline = new EgressPipeline(surfaces, sessions, caching, tools, routing);
        surfaces.InnerHandler = new FaultyHandler("sessions", sessions);
        sessions.InnerHandler = new FaultyHandler("cache", caching);
        caching.InnerHandler = new FaultyHandler("tools", tools);
        tools.InnerHandler = new FaultyHandler("routing", routing);
        return pipeline;
    }

    private static void Decorate<T>(IServiceCollection services, Func<T, T> decorate)
        where T : class
    {
        var inner = services.Last(service => service.ServiceType == typeof(T));
        services.AddSingleton(provider => decorate((T)(inner.ImplementationInstance ?? inner.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!))));
    }

    /// <summary>The client's side: reads of the body, writes of the answer.</summary>
    private sealed class Edge(Func<string, FaultPlan?> plans) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(RunAsync);
            next(app);
        };

        private async Task RunAsync(HttpContext context, RequestDelegate next)
        {
            if (context.Request.Headers[Header] is not { Count: 1 } id || plans(id!) is not { } plan)
            {
                await next(context);
                return;
            }

            plan.Context = context;
            FaultPlan.Current = plan;
            context.Request.Body = new FaultyStream("request", context.Request.Body);
            var answer = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
            context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(new FaultyStream("client", answer.Stream), answer));
            await next(context);
        }
    }

    private sealed class Budget(ICallBudget inner) : ICallBudget
    {
        public async ValueTask<CallPermit> ReserveAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CancellationToken cancellationToken)
        {
            await FaultPlan.HitAsync("budget", cancellationToken);
            var permit = await inner.ReserveAsync(request, target, role, cancellationToken);
            if (FaultPlan.Current is not { } plan || permit.Hold is null)
            {
                return permit;
            }

            var hold = new FaultPlan.WatchedHold(target, permit.Hold);
            plan.Holds.Enqueue(hold);
            return permit with { Hold = hold };
        }
    }

    private sealed class Journal(ICallJournal inner) : ICallJournal
    {
        public async ValueTask DispatchingAsync(GatewayRequest request, AttemptTally call)
        {
            await FaultPlan.HitAsync("to journal", CancellationToken.None);
            await inner.DispatchingAsync(request, call);
            await FaultPlan.HitAsync("from journal", CancellationToken.None);
        }
    }

    private sealed class Database(IDatabase inner) : IDatabase
    {
        public DatabaseKind Kind => inner.Kind;

        public bool IsUp => inner.IsUp;

        public async Task<T> RunAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken)
        {
            await FaultPlan.HitAsync("to database", cancellationToken);
            var result = await inner.RunAsync(work, cancellationToken);
            await FaultPlan.HitAsync("from database", cancellationToken);
            return result;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Tool(ITool inner) : ITool
    {
        public string Name => inner.Name;

        public string Description => inner.Description;

        public ReadOnlyMemory<byte> Parameters => inner.Parameters;

        public async ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken)
        {
            await FaultPlan.HitAsync("to tool", cancellationToken);
            var output = await inner.InvokeAsync(arguments, config, cancellationToken);
            await FaultPlan.HitAsync("from tool", cancellationToken);
            return output;
        }
    }

    private sealed class Forwarder(IHttpForwarder inner) : IHttpForwarder
    {
        public ValueTask<ForwarderError> SendAsync(HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer) =>
            SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, CancellationToken.None);

        public async ValueTask<ForwarderError> SendAsync(HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer, CancellationToken cancellationToken)
        {
            await FaultPlan.HitAsync("to forwarder", context.RequestAborted);
            var error = await inner.SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);
            await FaultPlan.HitAsync("from forwarder", context.RequestAborted);
            return error;
        }
    }
}
