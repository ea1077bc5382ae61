namespace LlmGateway.Forwarding;

/// <summary>The hinge: YARP's forwarder over the chain of handlers.</summary>
internal static class ForwardingServices
{
    public static IServiceCollection AddForwarding(this IServiceCollection services) => services
        .AddHttpForwarder()
        .AddSingleton<EgressPipeline>()
        .AddSingleton<GatewayForwarder>()
        .AddSingleton<GatewayClient>()
        .AddSingleton<PassthroughOwners>()
        .AddSingleton<OwnedList>()
        .AddSingleton<PassthroughHandler>()
        .AddSingleton<PassthroughForwarder>()
        .AddSingleton<PassthroughEndpoint>();
}
